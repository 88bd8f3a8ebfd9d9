import { messageOf } from '../lib/errors.ts'
import type { Places } from './allocation.ts'
import type { AllocateEndpoint, NetworkInfo } from './contract.ts'
import type { DriverTable } from './drivers/driver-table.ts'
import type { Sandboxes } from './drivers/sandboxes.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { isOwnIpam } from './ipam/plugin-ipam.ts'
import type { PluginIpam } from './ipam/plugin-ipam.ts'

export interface ForeignParts {
  drivers: DriverTable
  ipam: PluginIpam
  sandboxes: Sandboxes
  log: (line: string) => void
}

/** Addresses of an endpoint from an IPAM plugin; on failure none is kept. */
export async function foreignPlaces({ ipam }: ForeignParts, network: NetworkInfo, { ipv4 = '', ipv6 = '', mac = '' }: AllocateEndpoint): Promise<Places> {
  const v4 = await ipam.take(network, 4, { asked: ipv4, mac })
  try {
    return { v4, v6: await ipam.take(network, 6, { asked: ipv6, mac }) }
  } catch (error) {
    await ipam.free(network, v4.address)
    throw error
  }
}

/** What third parties know of an endpoint ends. */
export async function releaseForeign({ drivers, ipam }: ForeignParts, network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
  await drivers.of(network.driver).release?.(network, endpoint)
  if (isOwnIpam(network.ipam.driver)) return
  for (const address of [endpoint.ipv4, endpoint.ipv6]) await ipam.free(network, address)
}

/** After a restart: `living` go on, no other namespace is held. A plugin that is away keeps the engine from nothing. */
export async function recoverForeign({ drivers, ipam, sandboxes, log }: ForeignParts, networks: readonly NetworkInfo[], living: readonly StoredEndpoint[]): Promise<void> {
  sandboxes.retain(new Set(living.map(({ id }) => id)))
  for (const network of networks) {
    const here = living.filter(({ networkId }) => networkId === network.id)
    try {
      if (!isOwnIpam(network.ipam.driver)) await ipam.replay(network, here.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter((address) => address !== '')))
      for (const endpoint of here) await drivers.of(network.driver).recover?.(network, endpoint)
    } catch (error) {
      log(`network ${network.name}: ${messageOf(error)}`)
    }
  }
}
