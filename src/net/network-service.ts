import type { PortBinding } from '../engine/types/host-config.ts'
import { formatAddress } from '../lib/ip-address.ts'
import type { AllocateEndpoint, BoundPorts, CreateNetwork, Endpoint, NameRecord, NameResolving, NetworkInfo, NetworkService } from './contract.ts'
import { bringUpLoopback } from './drivers/inner-interface.ts'
import { EndpointAttachment } from './endpoint-attachment.ts'
import { EndpointLifecycle } from './endpoint-lifecycle.ts'
import { RestoringFilter } from './firewall/restoring-filter.ts'
import { FilterWatch } from './firewall/watch.ts'
import { recoverForeign } from './foreign-endpoints.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { assertPublishable, foreignCarrier, foreignPorts } from './foreign-ports.ts'
import { gatewayOrder } from './gateway-order.ts'
import { nameRecord } from './names-folder.ts'
import { NetworkLifecycle } from './network-lifecycle.ts'
import { isPredefined } from './network-list.ts'
import type { NetworkParts } from './network-parts.ts'
import { NetworkState } from './network-state.ts'
import { isHeld } from './port-holder.ts'
import { PortPublisher, publishFailure } from './port-publisher.ts'
import { allPorts } from './published-ports.ts'

/** The service, and what only its owner may do. */
export interface LocalNetworkService extends NetworkService {
  /** What `recover` changed on the host, in words: "net.ipv4.ip_forward: 0 -> 1". */
  readonly hostChanges: readonly string[]
  /** Forgets all endpoints and user-defined networks and removes bridges, tables and proxy, whatever still uses them. Then closed. */
  purge(): Promise<void>
}

export function networkService(parts: NetworkParts): LocalNetworkService {
  return new Networks(parts)
}

class Networks implements LocalNetworkService {
  hostChanges: string[] = []
  readonly #parts: NetworkParts
  readonly #state: NetworkState
  readonly #lifecycle: NetworkLifecycle
  readonly #attachment: EndpointAttachment
  readonly #endpoints: EndpointLifecycle
  readonly #publisher: PortPublisher
  #watch: FilterWatch | undefined

  constructor(given: NetworkParts) {
    const parts = { ...given, filter: new RestoringFilter(given.filter, () => this.#lifecycle.restoreFilter()) }
    this.#parts = parts
    this.#state = new NetworkState(parts)
    this.#lifecycle = new NetworkLifecycle(parts, this.#state)
    this.#attachment = new EndpointAttachment(parts, this.#state)
    this.#endpoints = new EndpointLifecycle(parts, this.#state, { attachment: this.#attachment, publish: (containerId, bindings) => this.publish(containerId, bindings) })
    this.#publisher = new PortPublisher({ ...parts, keep: (endpoint) => this.#state.keep(endpoint), isAttached: (id) => this.#state.isAttached(id) })
  }

  list(): NetworkInfo[] {
    return this.#state.list()
  }

  get(ref: string): NetworkInfo {
    return this.#state.get(ref)
  }

  endpoints(networkId: string): Endpoint[] {
    return this.#state.on(this.get(networkId).id)
  }

  endpointsOf(containerId: string): Endpoint[] {
    return gatewayOrder(this.#state.memberships(containerId)).map(({ endpoint }) => endpoint)
  }

  names(networkId: string): NameRecord[] {
    return this.#state.on(this.get(networkId).id).map(nameRecord).filter(({ names }) => names.length > 0)
  }

  create(request: CreateNetwork): Promise<NetworkInfo> {
    return this.#lifecycle.create(request)
  }

  remove(networkId: string): Promise<void> {
    return this.#lifecycle.remove(networkId)
  }

  allocate(request: AllocateEndpoint): Promise<Endpoint> {
    return this.#endpoints.allocate(request)
  }

  async publish(containerId: string, bindings: Record<string, PortBinding[]>): Promise<BoundPorts> {
    const members = this.#state.memberships(containerId)
    const carrier = foreignCarrier(members, this.#parts.drivers)
    if (carrier !== undefined) await this.#publishByDriver(carrier, bindings)
    else if (!members.some(({ endpoint }) => this.#state.isAttached(endpoint.id))) assertPublishable(members, bindings)
    if (carrier === undefined) await this.#publisher.publish(members, bindings)
    return allPorts(this.#state.memberships(containerId).map(({ endpoint }) => endpoint))
  }

  async publishMore(containerId: string, bindings: Record<string, PortBinding[]>): Promise<BoundPorts | undefined> {
    const members = this.#state.memberships(containerId)
    if (foreignCarrier(members, this.#parts.drivers) !== undefined) return undefined
    assertPublishable(members, bindings)
    return this.#publisher.publishMore(members, bindings)
  }

  attach(endpointId: string, pid: number): Promise<Endpoint> {
    return this.#attachment.attach(endpointId, pid)
  }

  detach(endpointId: string, pid?: number): Promise<void> {
    return this.#attachment.detach(endpointId, pid)
  }

  release(endpointId: string): Promise<void> {
    return this.#endpoints.release(endpointId)
  }

  rename(containerId: string, name: string, dnsNames: ReadonlyMap<string, string[]>): void {
    this.#endpoints.rename(containerId, name, dnsNames)
  }

  async resolveNames(containerId: string, resolving: NameResolving): Promise<void> {
    await this.#parts.resolver.serve(containerId, resolving, this.#state.memberships(containerId))
  }

  async attachNone(pid: number): Promise<void> {
    bringUpLoopback(this.#parts.links.home, pid)
  }

  async recover(alive: ReadonlySet<string>): Promise<void> {
    const { holder, filter, resolver, names, log } = this.#parts
    const { endpoints, attached, networks } = this.#state
    const living = endpoints.all().filter(({ id, networkId }) => alive.has(id) && networks.has(networkId))
    attached.clear()
    for (const { id, ipv4, ipv6, driverState } of living) if (ipv4 !== '' || ipv6 !== '' || driverState !== undefined) attached.set(id, 0)
    const held = living.flatMap(({ rules }) => rules).filter(isHeld)
    const lost = await holder.reconcile(held)
    const changed: string[] = []
    for (const network of this.list()) changed.push(...(await this.#lifecycle.setUpAgain(network)))
    this.hostChanges = [...changed, ...(await this.#lifecycle.loadFilter())]
    // Another process took the port while nobody held it: NAT would take it away from that one.
    await filter.withdraw(lost)
    for (const { id } of endpoints.all()) if (!living.some((one) => one.id === id)) await this.release(id)
    await recoverForeign(this.#parts, this.list(), living)
    await resolver.retain(new Set(living.map(({ containerId }) => containerId)))
    this.#watch ??= new FilterWatch({ filter, restore: () => this.#lifecycle.restoreFilter(), log })
    names.retain(new Set(networks.keys()))
    for (const network of this.list()) this.#state.writeNames(network)
  }

  async close(): Promise<void> {
    const { holder, resolver, drivers, endpoints, filter, bridgeIsPrivate } = this.#parts
    await this.#settle()
    endpoints.saveLastAddresses(Object.fromEntries(this.#state.pools().map(([id, pools]) => [id, pools.last.map(formatAddress)])))
    await Promise.all([holder.leave(), resolver.leave()])
    if (!this.#state.endpoints.all().some(({ ipv4, ipv6 }) => ipv4 !== '' || ipv6 !== '')) {
      await filter.remove()
      for (const network of this.list()) if ((!isPredefined(network) || bridgeIsPrivate) && !drivers.of(network.driver).isForeign) await drivers.of(network.driver).tearDown(network)
    }
    this.#closeParts()
  }

  async purge(): Promise<void> {
    const { holder, resolver, drivers, filter } = this.#parts
    await this.#settle()
    for (const { id } of this.#state.endpoints.all()) await this.release(id)
    await holder.reconcile([])
    await resolver.retain(new Set())
    await Promise.all([holder.leave(), resolver.leave()])
    await filter.remove()
    for (const network of this.list()) await drivers.of(network.driver).tearDown(network)
    this.#closeParts()
  }

  /** The driver opens them when the endpoint is attached; until it is released no other endpoint gets them. */
  async #publishByDriver(carrier: StoredEndpoint, bindings: Record<string, PortBinding[]>): Promise<void> {
    const next = await foreignPorts(carrier, bindings, this.#state.isAttached(carrier.id))
    if (next === carrier) return
    const { ports } = this.#parts
    await ports.close(carrier.reserved ?? [])
    try {
      ports.reserve(next.reserved ?? [])
    } catch (error) {
      ports.hold(carrier.reserved ?? [])
      throw publishFailure(carrier, error)
    }
    this.#state.keep(next)
  }

  /** Nothing is on its way any more. */
  async #settle(): Promise<void> {
    await this.#watch?.stop()
    await Promise.all([this.#endpoints.idle(), this.#lifecycle.idle()])
  }

  #closeParts(): void {
    const { filter, drivers, links } = this.#parts
    filter.close()
    drivers.close()
    links.close()
  }
}
