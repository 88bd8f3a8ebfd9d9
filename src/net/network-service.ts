import { randomBytes } from 'node:crypto'
import { GantryError } from '../lib/errors.ts'
import { formatAddress } from '../lib/ip-address.ts'
import type { PortBinding } from '../engine/types/host-config.ts'
import type { AllocateEndpoint, BoundPorts, CreateNetwork, Endpoint, NameRecord, NameResolving, NetworkInfo, NetworkService } from './contract.ts'
import { RestoringFilter } from './firewall/restoring-filter.ts'
import { FilterWatch } from './firewall/watch.ts'
import { newNetwork } from './create-network.ts'
import type { ContainerNames } from './dns/container-names.ts'
import { checkUnused } from './configuration-network.ts'
import type { DriverTable } from './drivers/driver-table.ts'
import { applySysctls } from './drivers/endpoint-sysctls.ts'
import type { HostLinks } from './drivers/host-links.ts'
import type { Sandboxes } from './drivers/sandboxes.ts'
import { bringUpLoopback, routeBy } from './drivers/inner-interface.ts'
import type { EndpointStore, StoredEndpoint } from './endpoint-store.ts'
import { EndpointTable } from './endpoint-table.ts'
import { gatewayOrder, wayOf, waysOut } from './gateway-order.ts'
import type { Membership } from './gateway-order.ts'
import { allocation, freeInterfaceName, noPlaces, placesIn } from './allocation.ts'
import { foreignPlaces, recoverForeign, releaseForeign } from './foreign-endpoints.ts'
import { foreignCarrier, foreignPorts } from './foreign-ports.ts'
import { filteredNetwork } from './filtered-network.ts'
import { switchOnForwarding } from './host-switches.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import { NetworkPools } from './ipam/network-pools.ts'
import { isOwnIpam } from './ipam/plugin-ipam.ts'
import type { PluginIpam } from './ipam/plugin-ipam.ts'
import { nameRecord } from './names-folder.ts'
import type { NamesFolder } from './names-folder.ts'
import { findNetwork, isPredefined } from './network-list.ts'
import type { NetworkStore } from './network-store.ts'
import type { PacketFilter } from './packet-filter.ts'
import { isHeld } from './port-holder.ts'
import type { PortHolder } from './port-holder.ts'
import type { PortAllocator } from './port-allocator.ts'
import { PortPublisher } from './port-publisher.ts'
import { allPorts } from './published-ports.ts'

/** The service, and what only its owner may do. */
export interface LocalNetworkService extends NetworkService {
  /** What `recover` changed on the host, in words: "net.ipv4.ip_forward: 0 -> 1". */
  readonly hostChanges: readonly string[]
  /** Forgets all endpoints and user-defined networks and removes bridges, tables and proxy, whatever still uses them. Then closed. */
  purge(): Promise<void>
}

export interface NetworkParts {
  /** The default bridge, host and none. */
  predefined: readonly NetworkInfo[]
  store: NetworkStore
  endpoints: EndpointStore
  drivers: DriverTable
  /** Of plugins. */
  ipam: PluginIpam
  sandboxes: Sandboxes
  links: HostLinks
  filter: PacketFilter
  holder: PortHolder
  ports: PortAllocator
  names: NamesFolder
  resolver: ContainerNames
  pools: readonly PoolBase[]
  /** Removed by `close` when no endpoint is left; docker0 stays, as Docker leaves it. */
  bridgeIsPrivate: boolean
  /** --ip-forward */
  forwards: boolean
  log: (line: string) => void
}

export function networkService(parts: NetworkParts): LocalNetworkService {
  return new Networks(parts)
}

class Networks implements LocalNetworkService {
  hostChanges: string[] = []
  readonly #parts: NetworkParts
  readonly #publisher: PortPublisher
  readonly #networks = new Map<string, NetworkInfo>()
  readonly #pools = new Map<string, NetworkPools>()
  readonly #endpoints = new EndpointTable()
  /** Endpoints with an interface, and the process in whose namespace it is; 0: not known, of an earlier life. */
  readonly #attached = new Map<string, number>()
  /** Allocations on their way, by network and container. */
  readonly #pending = new Map<string, Promise<Endpoint>>()
  #watch: FilterWatch | undefined
  /** Creations and removals take turns. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: NetworkParts) {
    this.#parts = { ...parts, filter: new RestoringFilter(parts.filter, () => this.#restoreFilter()) }
    this.#publisher = new PortPublisher({ ...this.#parts, keep: (endpoint) => this.#keep(endpoint), isAttached: (id) => this.#attached.has(id) })
    const last = parts.endpoints.lastAddresses()
    for (const network of [...parts.predefined, ...parts.store.networks()]) {
      this.#networks.set(network.id, network)
      this.#pools.set(network.id, ownPools(network, last[network.id]))
    }
    for (const endpoint of parts.endpoints.load()) {
      this.#endpoints.set(endpoint)
      for (const address of [endpoint.ipv4, endpoint.ipv6]) if (address !== '') this.#pools.get(endpoint.networkId)?.hold(address)
      parts.ports.hold(endpoint.rules)
    }
  }

  list(): NetworkInfo[] {
    return [...this.#networks.values()]
  }

  get(ref: string): NetworkInfo {
    return findNetwork(this.list(), ref)
  }

  endpoints(networkId: string): Endpoint[] {
    return this.#on(this.get(networkId).id)
  }

  endpointsOf(containerId: string): Endpoint[] {
    return gatewayOrder(this.#memberships(containerId)).map(({ endpoint }) => endpoint)
  }

  names(networkId: string): NameRecord[] {
    return this.#on(this.get(networkId).id).map(nameRecord).filter(({ names }) => names.length > 0)
  }

  create(request: CreateNetwork): Promise<NetworkInfo> {
    return this.#inTurn(async () => {
      const { drivers, pools, store, ipam } = this.#parts
      const network = await newNetwork(request, { networks: this.list(), drivers, pools, ipam })
      store.save(network)
      this.#networks.set(network.id, network)
      this.#pools.set(network.id, ownPools(network))
      try {
        await this.#setUp(network)
        if (network.driver === 'bridge') await this.#loadFilter()
      } catch (error) {
        await this.#drop(network)
        await this.#loadFilter().catch(() => undefined)
        throw error
      }
      return network
    })
  }

  remove(networkId: string): Promise<void> {
    return this.#inTurn(async () => {
      const network = this.get(networkId)
      if (isPredefined(network)) throw new GantryError('Forbidden', `${network.name} is a pre-defined network and cannot be removed`)
      checkUnused(network, this.list())
      const active = this.#on(network.id)
      if (active.length > 0) {
        const who = active.map(({ containerName, id }) => `name:"${containerName}" id:"${id.slice(0, 12)}"`).join(', ')
        throw new GantryError('Forbidden', `error while removing network: network ${network.name} id ${network.id} has active endpoints (${who})`)
      }
      await this.#drop(network)
      if (network.driver === 'bridge') await this.#loadFilter()
    })
  }

  allocate(request: AllocateEndpoint): Promise<Endpoint> {
    const slot = `${request.networkId}/${request.containerId}`
    const pending = this.#pending.get(slot)
    if (pending !== undefined) return pending
    const allocating = this.#allocate(request).finally(() => this.#pending.delete(slot))
    this.#pending.set(slot, allocating)
    return allocating
  }

  async #allocate(request: AllocateEndpoint): Promise<Endpoint> {
    const network = this.get(request.networkId)
    const existing = this.#on(network.id).find(({ containerId }) => containerId === request.containerId)
    if (existing !== undefined) return existing
    if (network.configOnly) throw new GantryError('Forbidden', 'cannot create endpoint on configuration-only network')
    const driver = this.#parts.drivers.of(network.driver)
    const isForeign = driver.isForeign === true || driver.givesAddresses === true
    const pools = this.#pools.get(network.id) ?? ownPools(network)
    const siblings = this.#memberships(request.containerId).map(({ endpoint }) => endpoint)
    const interfaceName = freeInterfaceName(network, siblings, request.driverOpts)
    const places = driver.givesAddresses ? noPlaces : isOwnIpam(network.ipam.driver) ? placesIn(network, pools, request) : await foreignPlaces(this.#parts, network, request)
    const endpoint = allocation({ id: randomBytes(32).toString('hex'), network, places, request, interfaceName, isForeign })
    this.#keep(endpoint)
    if (driver.allocate !== undefined) await this.#announce(network, endpoint)
    this.#writeNames(network)
    if (request.portBindings === undefined || Object.keys(request.portBindings).length === 0) return endpoint
    try {
      await this.publish(request.containerId, request.portBindings)
    } catch (error) {
      await this.release(endpoint.id)
      throw error
    }
    return this.#endpoints.get(endpoint.id) ?? endpoint
  }

  async publish(containerId: string, bindings: Record<string, PortBinding[]>): Promise<BoundPorts> {
    const carrier = foreignCarrier(this.#memberships(containerId), this.#parts.drivers)
    if (carrier !== undefined) this.#keep(await foreignPorts(carrier, bindings, this.#attached.has(carrier.id)))
    else await this.#publisher.publish(this.#memberships(containerId), bindings)
    return allPorts(this.#memberships(containerId).map(({ endpoint }) => endpoint))
  }

  async publishMore(containerId: string, bindings: Record<string, PortBinding[]>): Promise<BoundPorts | undefined> {
    if (foreignCarrier(this.#memberships(containerId), this.#parts.drivers) !== undefined) return undefined
    return this.#publisher.publishMore(this.#memberships(containerId), bindings)
  }

  async attach(endpointId: string, pid: number): Promise<Endpoint> {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) throw new GantryError('NotFound', `endpoint ${endpointId} not found`)
    const network = this.get(endpoint.networkId)
    if (network.driver === 'host') return endpoint
    if (network.driver === 'null') {
      await this.attachNone(pid)
      return endpoint
    }
    if (this.#attached.get(endpointId) === pid) return endpoint
    const way = wayOf(endpoint, waysOut(this.#memberships(endpoint.containerId)))
    const made = this.#parts.drivers.of(network.driver).attach(network, endpoint, { pid, way, keep: (state) => this.#keepState(endpointId, state) })
    const placed = typeof made === 'string' ? { containerInterface: made } : await this.#foreign(endpointId, made)
    this.#attached.set(endpointId, pid)
    try {
      if (typeof made !== 'string' || made !== endpoint.containerInterface) this.#keep({ ...(this.#endpoints.get(endpointId) ?? endpoint), ...placed })
      if (typeof made !== 'string') this.#settle(endpoint, network, pid)
      if (endpoint.sysctls !== undefined) applySysctls(this.#parts.links.home, endpoint.sysctls, { pid, name: placed.containerInterface })
      await this.#parts.filter.publish(endpoint.rules)
    } catch (error) {
      await this.detach(endpointId, pid)
      throw error
    }
    await this.#parts.resolver.changed(endpoint.containerId, this.#memberships(endpoint.containerId))
    return this.#endpoints.get(endpointId) ?? endpoint
  }

  async detach(endpointId: string, pid?: number): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    const inside = pid ?? this.#attached.get(endpointId)
    if (endpoint === undefined || (inside === undefined && endpoint.driverState === undefined)) return
    const network = this.get(endpoint.networkId)
    if (network.driver === 'host' || network.driver === 'null') return
    const members = this.#memberships(endpoint.containerId).filter((one) => this.#attached.has(one.endpoint.id))
    const before = wayOf(endpoint, waysOut(members))
    this.#attached.delete(endpointId)
    await this.#parts.filter.withdraw(endpoint.rules)
    await this.#parts.drivers.of(network.driver).detach(network, endpoint, inside === 0 ? undefined : inside)
    if (endpoint.driverState !== undefined) this.#keepState(endpointId, undefined)
    if (pid === undefined) return
    const after = waysOut(members.filter((one) => one.endpoint.id !== endpointId))
    for (const next of new Set([before.ipv4 ? after.ipv4 : undefined, before.ipv6 ? after.ipv6 : undefined])) {
      if (next !== undefined) routeBy(this.#parts.links.home, next, { pid, way: { ipv4: before.ipv4 && after.ipv4?.id === next.id, ipv6: before.ipv6 && after.ipv6?.id === next.id } })
    }
  }

  async release(endpointId: string): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) return
    await this.detach(endpointId)
    const { ports, endpoints, resolver } = this.#parts
    const network = this.#networks.get(endpoint.networkId)
    if (network !== undefined) await releaseForeign(this.#parts, network, endpoint)
    this.#endpoints.delete(endpoint)
    endpoints.remove(endpointId)
    const pools = this.#pools.get(endpoint.networkId)
    for (const address of [endpoint.ipv4, endpoint.ipv6]) pools?.free(address)
    if (network !== undefined) this.#writeNames(network)
    await resolver.changed(endpoint.containerId, this.#memberships(endpoint.containerId))
    await ports.close(endpoint.rules)
  }

  rename(containerId: string, name: string, dnsNames: ReadonlyMap<string, string[]>): void {
    for (const { endpoint, network } of this.#memberships(containerId)) {
      this.#keep({ ...endpoint, containerName: name, dnsNames: dnsNames.get(endpoint.id) ?? endpoint.dnsNames })
      this.#writeNames(network)
    }
  }

  async resolveNames(containerId: string, resolving: NameResolving): Promise<void> {
    await this.#parts.resolver.serve(containerId, resolving, this.#memberships(containerId))
  }

  async attachNone(pid: number): Promise<void> {
    bringUpLoopback(this.#parts.links.home, pid)
  }

  async recover(alive: ReadonlySet<string>): Promise<void> {
    const { holder, filter } = this.#parts
    const living = this.#endpoints.all().filter(({ id, networkId }) => alive.has(id) && this.#networks.has(networkId))
    this.#attached.clear()
    for (const { id, ipv4, ipv6, driverState } of living) if (ipv4 !== '' || ipv6 !== '' || driverState !== undefined) this.#attached.set(id, 0)
    const held = living.flatMap(({ rules }) => rules).filter(isHeld)
    const lost = await holder.reconcile(held)
    const changed: string[] = []
    for (const network of this.list()) changed.push(...(await this.#setUpAgain(network)))
    this.hostChanges = [...changed, ...(await this.#loadFilter())]
    // Another process took the port while nobody held it: NAT would take it away from that one.
    await filter.withdraw(lost)
    for (const { id } of this.#endpoints.all()) if (!living.some((one) => one.id === id)) await this.release(id)
    await recoverForeign(this.#parts, this.list(), living)
    await this.#parts.resolver.retain(new Set(living.map(({ containerId }) => containerId)))
    this.#watch ??= new FilterWatch({ filter, restore: () => this.#restoreFilter(), log: this.#parts.log })
    this.#parts.names.retain(new Set(this.#networks.keys()))
    for (const network of this.list()) this.#writeNames(network)
  }

  async close(): Promise<void> {
    const { holder, resolver, drivers, endpoints, filter, links, bridgeIsPrivate } = this.#parts
    await this.#watch?.stop()
    await Promise.allSettled([...this.#pending.values(), this.#turn])
    endpoints.saveLastAddresses(Object.fromEntries([...this.#pools].map(([id, pools]) => [id, pools.last.map(formatAddress)])))
    await Promise.all([holder.leave(), resolver.leave()])
    if (!this.#endpoints.all().some(({ ipv4, ipv6 }) => ipv4 !== '' || ipv6 !== '')) {
      await filter.remove()
      for (const network of this.list()) if ((!isPredefined(network) || bridgeIsPrivate) && !drivers.of(network.driver).isForeign) await drivers.of(network.driver).tearDown(network)
    }
    this.#closeParts()
    links.close()
  }

  async purge(): Promise<void> {
    const { holder, resolver, drivers, filter, links } = this.#parts
    await this.#watch?.stop()
    await Promise.allSettled([...this.#pending.values(), this.#turn])
    for (const { id } of this.#endpoints.all()) await this.release(id)
    await holder.reconcile([])
    await resolver.retain(new Set())
    await Promise.all([holder.leave(), resolver.leave()])
    await filter.remove()
    for (const network of this.list()) await drivers.of(network.driver).tearDown(network)
    this.#closeParts()
    links.close()
  }

  #closeParts(): void {
    this.#parts.filter.close()
    this.#parts.drivers.close()
  }

  /** @returns what was changed on the host, in words */
  async #setUp(network: NetworkInfo): Promise<string[]> {
    const { drivers, forwards } = this.#parts
    await drivers.of(network.driver).setUp(network, new Set(this.#on(network.id).filter(({ id }) => this.#attached.has(id)).map(({ hostInterface }) => hostInterface)))
    return network.driver === 'bridge' ? switchOnForwarding(network, forwards) : []
  }

  /** One network that cannot be set up (its parent interface is gone) does not keep the engine from starting. */
  async #setUpAgain(network: NetworkInfo): Promise<string[]> {
    try {
      return await this.#setUp(network)
    } catch (error) {
      if (isPredefined(network)) throw error
      this.#parts.log(`cannot set up network ${network.name}: ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  }

  #loadFilter(): Promise<string[]> {
    const rules = this.#endpoints.all().filter(({ id }) => this.#attached.has(id)).flatMap((endpoint) => endpoint.rules)
    return this.#parts.filter.load({ networks: this.list().filter(({ driver }) => driver === 'bridge').map(filteredNetwork), rules })
  }

  #restoreFilter(): Promise<string[]> {
    return this.#inTurn(() => this.#loadFilter())
  }

  async #drop(network: NetworkInfo): Promise<void> {
    await this.#parts.drivers.of(network.driver).tearDown(network)
    await this.#parts.ipam.releasePools(network)
    this.#parts.store.remove(network.id)
    this.#networks.delete(network.id)
    this.#pools.delete(network.id)
  }

  /** The driver hears of the endpoint, and may have a say. */
  async #announce(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
    try {
      const decided = await this.#parts.drivers.of(network.driver).allocate?.(network, endpoint)
      this.#keep({ ...endpoint, ...decided })
    } catch (error) {
      await this.release(endpoint.id)
      throw error
    }
  }

  async #foreign<T>(endpointId: string, attaching: Promise<T>): Promise<T> {
    try {
      return await attaching
    } catch (error) {
      this.#keepState(endpointId, undefined)
      throw error
    }
  }

  /** Names and ways out after a driver has made an interface by its own mind. */
  #settle({ id, containerId }: StoredEndpoint, network: NetworkInfo, pid: number): void {
    this.#writeNames(network)
    const after = waysOut(this.#memberships(containerId).filter(({ endpoint }) => endpoint.id === id || this.#attached.has(endpoint.id)))
    for (const next of new Set([after.ipv4, after.ipv6])) {
      if (next !== undefined) routeBy(this.#parts.links.home, next, { pid, way: wayOf(next, after), afresh: true })
    }
  }

  #keepState(endpointId: string, driverState: Record<string, unknown> | undefined): void {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint !== undefined) this.#keep({ ...endpoint, driverState })
  }

  #on(networkId: string): StoredEndpoint[] {
    return this.#endpoints.on(networkId)
  }

  #memberships(containerId: string): Membership<StoredEndpoint>[] {
    return this.#endpoints.of(containerId).flatMap((endpoint) => {
      const network = this.#networks.get(endpoint.networkId)
      return network === undefined ? [] : [{ endpoint, network }]
    })
  }

  #writeNames(network: NetworkInfo): void {
    if (!isPredefined(network)) this.#parts.names.write(network, this.#on(network.id))
  }

  #keep(endpoint: StoredEndpoint): void {
    if (this.#endpoints.has(endpoint.id)) this.#parts.endpoints.replace(endpoint)
    else this.#parts.endpoints.add(endpoint)
    this.#endpoints.set(endpoint)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

/** The engine's own addresses; none where others give them. */
function ownPools(network: NetworkInfo, last?: readonly string[]): NetworkPools {
  const own = !network.configOnly && isOwnIpam(network.ipam.driver)
  return new NetworkPools(own ? network : { ...network, ipam: { ...network.ipam, config: [] } }, last)
}
