import { randomBytes } from 'node:crypto'
import { GantryError } from '../lib/errors.ts'
import { formatAddress } from '../lib/ip-address.ts'
import type { PortBinding } from '../engine/types/host-config.ts'
import type { AllocateEndpoint, BoundPorts, CreateNetwork, Endpoint, NameRecord, NameResolving, NetworkDriverName, NetworkInfo, NetworkService } from './contract.ts'
import { RestoringFilter } from './firewall/restoring-filter.ts'
import { FilterWatch } from './firewall/watch.ts'
import { newNetwork } from './create-network.ts'
import type { ContainerNames } from './dns/container-names.ts'
import type { NetworkDriver } from './drivers/contract.ts'
import type { HostLinks } from './drivers/host-links.ts'
import { bringUpLoopback, routeBy } from './drivers/inner-interface.ts'
import type { EndpointStore, StoredEndpoint } from './endpoint-store.ts'
import { gatewayOrder, wayOf, waysOut } from './gateway-order.ts'
import type { Membership } from './gateway-order.ts'
import { allocation, freeInterfaceName } from './allocation.ts'
import { filteredNetwork } from './filtered-network.ts'
import { switchOnForwarding } from './host-switches.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import { NetworkPools } from './ipam/network-pools.ts'
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
  drivers: Record<NetworkDriverName, NetworkDriver>
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
  readonly #endpoints = new Map<string, StoredEndpoint>()
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
      this.#pools.set(network.id, new NetworkPools(network, last[network.id]))
    }
    for (const endpoint of parts.endpoints.load()) {
      this.#endpoints.set(endpoint.id, endpoint)
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
      const { drivers, pools, store } = this.#parts
      const network = newNetwork(request, { networks: this.list(), drivers, pools })
      store.save(network)
      this.#networks.set(network.id, network)
      this.#pools.set(network.id, new NetworkPools(network))
      try {
        this.#setUp(network)
        if (network.driver === 'bridge') await this.#loadFilter()
      } catch (error) {
        this.#drop(network)
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
      const active = this.#on(network.id)
      if (active.length > 0) {
        const who = active.map(({ containerName, id }) => `name:"${containerName}" id:"${id.slice(0, 12)}"`).join(', ')
        throw new GantryError('Forbidden', `error while removing network: network ${network.name} id ${network.id} has active endpoints (${who})`)
      }
      this.#drop(network)
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
    const pools = this.#pools.get(network.id) ?? new NetworkPools(network)
    const siblings = this.#memberships(request.containerId).map(({ endpoint }) => endpoint)
    const endpoint = allocation({ id: randomBytes(32).toString('hex'), network, pools, request, interfaceName: freeInterfaceName(network, siblings, request.driverOpts) })
    this.#keep(endpoint)
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
    await this.#publisher.publish(this.#memberships(containerId), bindings)
    return allPorts(this.#memberships(containerId).map(({ endpoint }) => endpoint))
  }

  async attach(endpointId: string, pid: number): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) throw new GantryError('NotFound', `endpoint ${endpointId} not found`)
    const network = this.get(endpoint.networkId)
    if (network.driver === 'host') return
    if (network.driver === 'null') {
      await this.attachNone(pid)
      return
    }
    if (this.#attached.get(endpointId) === pid) return
    const way = wayOf(endpoint, waysOut(this.#memberships(endpoint.containerId)))
    const name = this.#parts.drivers[network.driver].attach(network, endpoint, { pid, way })
    this.#attached.set(endpointId, pid)
    try {
      if (name !== endpoint.containerInterface) this.#keep({ ...endpoint, containerInterface: name })
      await this.#parts.filter.publish(endpoint.rules)
    } catch (error) {
      await this.detach(endpointId, pid)
      throw error
    }
    await this.#parts.resolver.changed(endpoint.containerId, this.#memberships(endpoint.containerId))
  }

  async detach(endpointId: string, pid?: number): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    const inside = pid ?? this.#attached.get(endpointId)
    if (endpoint === undefined || inside === undefined) return
    const network = this.get(endpoint.networkId)
    if (network.driver === 'host' || network.driver === 'null') return
    const members = this.#memberships(endpoint.containerId).filter((one) => this.#attached.has(one.endpoint.id))
    const before = wayOf(endpoint, waysOut(members))
    this.#attached.delete(endpointId)
    await this.#parts.filter.withdraw(endpoint.rules)
    this.#parts.drivers[network.driver].detach(network, endpoint, inside === 0 ? undefined : inside)
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
    this.#endpoints.delete(endpointId)
    endpoints.remove(endpointId)
    const pools = this.#pools.get(endpoint.networkId)
    for (const address of [endpoint.ipv4, endpoint.ipv6]) pools?.free(address)
    const network = this.#networks.get(endpoint.networkId)
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
    const living = [...this.#endpoints.values()].filter(({ id, networkId }) => alive.has(id) && this.#networks.has(networkId))
    this.#attached.clear()
    for (const { id, ipv4, ipv6 } of living) if (ipv4 !== '' || ipv6 !== '') this.#attached.set(id, 0)
    const held = living.flatMap(({ rules }) => rules).filter(isHeld)
    const lost = await holder.reconcile(held)
    const changed = this.list().flatMap((network) => this.#setUpAgain(network))
    this.hostChanges = [...changed, ...(await this.#loadFilter())]
    // Another process took the port while nobody held it: NAT would take it away from that one.
    await filter.withdraw(lost)
    for (const { id } of this.#endpoints.values()) if (!living.some((one) => one.id === id)) await this.release(id)
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
    if (![...this.#endpoints.values()].some(({ ipv4, ipv6 }) => ipv4 !== '' || ipv6 !== '')) {
      await filter.remove()
      for (const network of this.list()) if (!isPredefined(network) || bridgeIsPrivate) drivers[network.driver].tearDown(network)
    }
    this.#closeParts()
    links.close()
  }

  async purge(): Promise<void> {
    const { holder, resolver, drivers, filter, links } = this.#parts
    await this.#watch?.stop()
    await Promise.allSettled([...this.#pending.values(), this.#turn])
    for (const id of this.#endpoints.keys()) await this.release(id)
    await holder.reconcile([])
    await resolver.retain(new Set())
    await Promise.all([holder.leave(), resolver.leave()])
    await filter.remove()
    for (const network of this.list()) drivers[network.driver].tearDown(network)
    this.#closeParts()
    links.close()
  }

  #closeParts(): void {
    this.#parts.filter.close()
    for (const driver of Object.values(this.#parts.drivers)) driver.close()
  }

  /** @returns what was changed on the host, in words */
  #setUp(network: NetworkInfo): string[] {
    const { drivers, forwards } = this.#parts
    drivers[network.driver].setUp(network, new Set(this.#on(network.id).filter(({ id }) => this.#attached.has(id)).map(({ hostInterface }) => hostInterface)))
    return network.driver === 'bridge' ? switchOnForwarding(network, forwards) : []
  }

  /** One network that cannot be set up (its parent interface is gone) does not keep the engine from starting. */
  #setUpAgain(network: NetworkInfo): string[] {
    try {
      return this.#setUp(network)
    } catch (error) {
      if (isPredefined(network)) throw error
      this.#parts.log(`cannot set up network ${network.name}: ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  }

  #loadFilter(): Promise<string[]> {
    const rules = [...this.#endpoints.values()].filter(({ id }) => this.#attached.has(id)).flatMap((endpoint) => endpoint.rules)
    return this.#parts.filter.load({ networks: this.list().filter(({ driver }) => driver === 'bridge').map(filteredNetwork), rules })
  }

  #restoreFilter(): Promise<string[]> {
    return this.#inTurn(() => this.#loadFilter())
  }

  #drop(network: NetworkInfo): void {
    this.#parts.drivers[network.driver].tearDown(network)
    this.#parts.store.remove(network.id)
    this.#networks.delete(network.id)
    this.#pools.delete(network.id)
  }

  #on(networkId: string): StoredEndpoint[] {
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.networkId === networkId)
  }

  #memberships(containerId: string): Membership<StoredEndpoint>[] {
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.containerId === containerId).flatMap((endpoint) => {
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
    this.#endpoints.set(endpoint.id, endpoint)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
