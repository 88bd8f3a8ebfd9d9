import type { Endpoint, NetworkInfo } from './contract.ts'
import type { WayOut } from './drivers/contract.ts'

/** An endpoint with its network. */
export interface Membership<E extends Endpoint = Endpoint> {
  endpoint: E
  network: NetworkInfo
}

/** The order in which a container's networks are its way out: the highest priority, then the network's name. */
export function gatewayOrder<E extends Endpoint>(memberships: readonly Membership<E>[]): Membership<E>[] {
  return memberships.toSorted((one, other) =>
    other.endpoint.gwPriority - one.endpoint.gwPriority || compare(one.network.name, other.network.name))
}

/** The endpoint by which each family leaves. */
export function waysOut<E extends Endpoint>(memberships: readonly Membership<E>[]): { ipv4: E | undefined; ipv6: E | undefined } {
  const ordered = gatewayOrder(memberships)
  return {
    ipv4: ordered.find((one) => leads(one, 4))?.endpoint,
    ipv6: ordered.find((one) => leads(one, 6))?.endpoint,
  }
}

export function wayOf(endpoint: Endpoint, ways: { ipv4: Endpoint | undefined; ipv6: Endpoint | undefined }): WayOut {
  return { ipv4: ways.ipv4?.id === endpoint.id, ipv6: ways.ipv6?.id === endpoint.id }
}

/** Without a gateway there is a way only in ipvlan's l3 modes, where the parent's host routes. */
function leads({ endpoint, network }: Membership, family: 4 | 6): boolean {
  if (network.internal) return false
  const [address, gateway] = family === 4 ? [endpoint.ipv4, endpoint.gateway] : [endpoint.ipv6, endpoint.gateway6]
  if (address === '') return false
  return gateway !== '' || (network.driver === 'ipvlan' && (network.options['ipvlan_mode'] ?? '').startsWith('l3'))
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
