import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container } from '../containers/container.ts'

/** Beside criu's images: where a container was on its networks. Its sockets are bound to these addresses. */
const file = 'networks.json'

/** By the name of the network. */
export type KeptAddresses = Record<string, { ipv4?: string; ipv6?: string; mac?: string }>

export function saveAddresses(checkpoint: string, { networks }: Pick<Container, 'networks'>): void {
  const kept: KeptAddresses = Object.fromEntries(Object.entries(networks).map(([name, { IPAddress, GlobalIPv6Address, MacAddress }]) =>
    [name, { ipv4: IPAddress || undefined, ipv6: GlobalIPv6Address || undefined, mac: MacAddress || undefined }]))
  writeFileSync(join(checkpoint, file), JSON.stringify(kept), { mode: 0o600 })
}

/** Empty for a checkpoint that another engine made. */
export function loadAddresses(checkpoint: string): KeptAddresses {
  try {
    return JSON.parse(readFileSync(join(checkpoint, file), 'utf8')) as KeptAddresses
  } catch {
    return {}
  }
}
