import { GantryError } from '../lib/errors.ts'
import { isIPv6Text } from '../lib/ip-address.ts'
import type { Endpoint, NetworkInfo } from './contract.ts'
import { applySysctls } from './drivers/endpoint-sysctls.ts'
import { bringUpLoopback, routeBy } from './drivers/inner-interface.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { wayOf, waysOut } from './gateway-order.ts'
import type { Membership } from './gateway-order.ts'
import type { NetworkParts } from './network-parts.ts'
import type { NetworkState } from './network-state.ts'
import { hostHasIPv6 } from './published-ports.ts'

/** A neighbour could send router advertisements, and so become the way out of a family that the network does not have. */
const noIPv6 = 'net.ipv6.conf.IFNAME.disable_ipv6=1'

function withoutIPv6({ ipv6, linkLocal = [] }: StoredEndpoint): boolean {
  return ipv6 === '' && !linkLocal.some(isIPv6Text) && hostHasIPv6()
}

/** Gives endpoints their interfaces in containers' namespaces, takes them away, and keeps the default routes right. */
export class EndpointAttachment {
  readonly #parts: NetworkParts
  readonly #state: NetworkState

  constructor(parts: NetworkParts, state: NetworkState) {
    this.#parts = parts
    this.#state = state
  }

  async attach(endpointId: string, pid: number): Promise<Endpoint> {
    const { endpoints, attached } = this.#state
    const endpoint = endpoints.get(endpointId)
    if (endpoint === undefined) throw new GantryError('NotFound', `endpoint ${endpointId} not found`)
    const network = this.#state.get(endpoint.networkId)
    if (network.driver === 'host') return endpoint
    if (network.driver === 'null') {
      bringUpLoopback(this.#parts.links.home, pid)
      return endpoint
    }
    if (attached.get(endpointId) === pid) return endpoint
    const way = wayOf(endpoint, waysOut(this.#state.memberships(endpoint.containerId)))
    const made = this.#parts.drivers.of(network.driver).attach(network, endpoint, { pid, way, keep: (state) => this.#state.keepDriverState(endpointId, state) })
    const placed = typeof made === 'string' ? { containerInterface: made } : await this.#foreign(endpointId, made)
    attached.set(endpointId, pid)
    try {
      if (typeof made !== 'string' || made !== endpoint.containerInterface) this.#state.keep({ ...(endpoints.get(endpointId) ?? endpoint), ...placed })
      if (typeof made !== 'string') this.#settle(endpoint, network, pid)
      const switches = [...(typeof made === 'string' && withoutIPv6(endpoint) ? [noIPv6] : []), ...(endpoint.sysctls === undefined ? [] : [endpoint.sysctls])].join(',')
      if (switches !== '') applySysctls(this.#parts.links.home, switches, { pid, name: placed.containerInterface })
      await this.#parts.filter.publish(endpoint.rules)
    } catch (error) {
      await this.detach(endpointId, pid)
      throw error
    }
    await this.#parts.resolver.changed(endpoint.containerId, this.#state.memberships(endpoint.containerId))
    await this.#tellDrivers(this.#state.memberships(endpoint.containerId))
    return endpoints.get(endpointId) ?? endpoint
  }

  async detach(endpointId: string, pid?: number): Promise<void> {
    const { endpoints, attached } = this.#state
    const endpoint = endpoints.get(endpointId)
    const inside = pid ?? attached.get(endpointId)
    if (endpoint === undefined || (inside === undefined && endpoint.driverState === undefined)) return
    const network = this.#state.get(endpoint.networkId)
    if (network.driver === 'host' || network.driver === 'null') return
    const members = this.#state.memberships(endpoint.containerId).filter((one) => attached.has(one.endpoint.id))
    const before = wayOf(endpoint, waysOut(members))
    attached.delete(endpointId)
    await this.#parts.filter.withdraw(endpoint.rules)
    await this.#parts.drivers.of(network.driver).detach(network, endpoint, inside === 0 ? undefined : inside)
    if (endpoint.driverState !== undefined) this.#state.keepDriverState(endpointId, undefined)
    if (pid === undefined) return
    const after = waysOut(members.filter((one) => one.endpoint.id !== endpointId))
    for (const next of new Set([before.ipv4 ? after.ipv4 : undefined, before.ipv6 ? after.ipv6 : undefined])) {
      if (next !== undefined) routeBy(this.#parts.links.home, next, { pid, way: { ipv4: before.ipv4 && after.ipv4?.id === next.id, ipv6: before.ipv6 && after.ipv6?.id === next.id } })
    }
    await this.#tellDrivers(this.#state.memberships(endpoint.containerId).filter((one) => one.endpoint.id !== endpointId))
  }

  /** Those that have to know which of a container's networks is its way out. */
  async #tellDrivers(members: readonly Membership<StoredEndpoint>[]): Promise<void> {
    const ways = waysOut(members)
    for (const { endpoint, network } of members) {
      if (!this.#state.isAttached(endpoint.id)) continue
      await this.#parts.drivers.of(network.driver).wayChanged?.(network, endpoint, { way: wayOf(endpoint, ways), keep: (state) => this.#state.keepDriverState(endpoint.id, state) })
    }
  }

  async #foreign<T>(endpointId: string, attaching: Promise<T>): Promise<T> {
    try {
      return await attaching
    } catch (error) {
      this.#state.keepDriverState(endpointId, undefined)
      throw error
    }
  }

  /** Names and ways out after a driver has made an interface by its own mind. */
  #settle({ id, containerId }: StoredEndpoint, network: NetworkInfo, pid: number): void {
    this.#state.writeName(network, id)
    const after = waysOut(this.#state.memberships(containerId).filter(({ endpoint }) => endpoint.id === id || this.#state.isAttached(endpoint.id)))
    for (const next of new Set([after.ipv4, after.ipv6])) {
      if (next !== undefined) routeBy(this.#parts.links.home, next, { pid, way: wayOf(next, after), afresh: true })
    }
  }
}
