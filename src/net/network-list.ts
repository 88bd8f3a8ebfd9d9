import { GantryError } from '../lib/errors.ts'
import type { NetworkInfo, SubnetInfo } from './contract.ts'
import { parsePrefix } from './ip-prefix.ts'
import type { Prefix } from './ip-prefix.ts'
import { newIdentity, predefined } from './network-store.ts'
import type { Identity } from './network-store.ts'

/** What is set for the default bridge. */
export interface DefaultBridge {
  subnets: SubnetInfo[]
  enableIPv6: boolean
  options: Record<string, string>
}

/** The three networks that every engine has, or two where there is no default bridge. */
export function predefinedNetworks(identities: Record<string, Identity>, bridge: DefaultBridge | undefined): NetworkInfo[] {
  const base = { scope: 'local', internal: false, attachable: false, enableIPv4: true, enableIPv6: false, labels: {} } as const
  return predefined.filter((name) => name !== 'bridge' || bridge !== undefined).map((name): NetworkInfo => {
    const identity = identities[name] ?? newIdentity()
    if (name !== 'bridge' || bridge === undefined) {
      const driver = name === 'host' ? 'host' : 'null'
      return { ...base, ...identity, name, driver, ipam: { driver: 'default', options: null, config: [] }, options: {} }
    }
    return {
      ...base, ...identity, name, driver: 'bridge', enableIPv6: bridge.enableIPv6,
      ipam: { driver: 'default', options: null, config: bridge.subnets },
      options: bridge.options,
    }
  })
}

export function isPredefined(network: Pick<NetworkInfo, 'name'>): boolean {
  return (predefined as readonly string[]).includes(network.name)
}

/** The subnets that networks have: no other may overlap. What only holds settings has none. */
export function subnetsOf(networks: readonly NetworkInfo[]): Prefix[] {
  return networks.filter(({ configOnly }) => !configOnly).flatMap(({ ipam }) => ipam.config.map(({ subnet }) => parsePrefix(subnet)))
}

/** By id, then by name, then by the only id that begins so. */
export function findNetwork(networks: readonly NetworkInfo[], ref: string): NetworkInfo {
  const named = networks.find(({ id }) => id === ref) ?? networks.find(({ name }) => name === ref)
  if (named !== undefined) return named
  const begun = ref === '' ? [] : networks.filter(({ id }) => id.startsWith(ref))
  if (begun.length > 1) throw new GantryError('InvalidParameter', `network ${ref} is ambiguous (${begun.length} matches found on ID)`)
  if (begun[0] === undefined) throw new GantryError('NotFound', `network ${ref} not found`)
  return begun[0]
}
