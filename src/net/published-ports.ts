import { existsSync } from 'node:fs'
import type { PortBinding } from '../engine/types/host-config.ts'
import type { BoundPorts, Endpoint } from './contract.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { bridgeOptions } from './drivers/bridge-options.ts'
import { waysOut } from './gateway-order.ts'
import type { Membership } from './gateway-order.ts'
import type { PortTarget } from './port-rows.ts'

/** An endpoint that publishes, and how. */
export interface Carrier {
  endpoint: StoredEndpoint
  target: PortTarget
}

/** The endpoints that publish a container's ports: the ways out of IPv4 and of IPv6, where they are bridges. */
export function carriersOf(memberships: readonly Membership<StoredEndpoint>[], options: { carriesIPv6: boolean }): Carrier[] {
  const bridged = memberships.filter(({ network }) => network.driver === 'bridge')
  const ways = waysOut(bridged)
  return bridged.flatMap(({ endpoint, network }) => {
    const host4 = ways.ipv4?.id === endpoint.id
    // Who has no IPv6 way at all is reached from [::] by its IPv4 address.
    const host6 = hostHasIPv6() && (ways.ipv6 === undefined ? host4 : ways.ipv6.id === endpoint.id)
    if (!host4 && !host6) return []
    const settings = bridgeOptions(network)
    const target: PortTarget = {
      ipv4: endpoint.ipv4, ipv6: ways.ipv6?.id === endpoint.id ? endpoint.ipv6 : '', host4, host6,
      routed4: settings.mode4 === 'routed', routed6: settings.mode6 === 'routed',
      bindingAddress: settings.bindingAddress, carriesIPv6: options.carriesIPv6,
    }
    return [{ endpoint, target }]
  })
}

/** The bindings with the host ports that they have already, so that a port that moves keeps its number. */
export function withBoundPorts(bindings: Record<string, PortBinding[]>, bound: BoundPorts): Record<string, PortBinding[]> {
  return Object.fromEntries(Object.entries(bindings).map(([key, list]) => {
    const port = bound[key]?.[0]?.HostPort
    const [only] = list
    if (port === undefined || list.length !== 1 || only === undefined) return [key, list]
    return [key, [{ ...only, HostPort: port }]]
  }))
}

/** All ports of a container, as inspect shows them. */
export function allPorts(endpoints: readonly Endpoint[]): BoundPorts {
  const all: BoundPorts = {}
  for (const { ports } of endpoints) for (const [key, rows] of Object.entries(ports)) (all[key] ??= []).push(...rows)
  return all
}

export function hostHasIPv6(): boolean {
  return existsSync('/proc/net/if_inet6')
}
