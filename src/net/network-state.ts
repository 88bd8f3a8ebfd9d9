import type { NetworkInfo } from './contract.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { EndpointTable } from './endpoint-table.ts'
import type { Membership } from './gateway-order.ts'
import { NetworkPools } from './ipam/network-pools.ts'
import { isOwnIpam } from './ipam/plugin-ipam.ts'
import { findNetwork, isPredefined } from './network-list.ts'
import type { NetworkParts } from './network-parts.ts'

/** Networks and endpoints that there are, in memory as on disk; which addresses are taken; which endpoints have an interface. */
export class NetworkState {
  readonly networks = new Map<string, NetworkInfo>()
  readonly endpoints = new EndpointTable()
  /** Endpoints with an interface, and the process in whose namespace it is; 0: not known, of an earlier life. */
  readonly attached = new Map<string, number>()
  readonly #parts: NetworkParts
  readonly #pools = new Map<string, NetworkPools>()

  constructor(parts: NetworkParts) {
    this.#parts = parts
    const last = parts.endpoints.lastAddresses()
    for (const network of [...parts.predefined, ...parts.store.networks()]) this.add(network, last[network.id])
    for (const endpoint of parts.endpoints.load()) {
      this.endpoints.set(endpoint)
      for (const address of [endpoint.ipv4, endpoint.ipv6]) if (address !== '') this.#pools.get(endpoint.networkId)?.hold(address)
      parts.ports.hold([...endpoint.rules, ...(endpoint.reserved ?? [])])
    }
  }

  list(): NetworkInfo[] {
    return [...this.networks.values()]
  }

  /** By name, id or id prefix. @throws NotFound */
  get(ref: string): NetworkInfo {
    return findNetwork(this.list(), ref)
  }

  /** `last`: the addresses given last. */
  add(network: NetworkInfo, last?: readonly string[]): void {
    this.networks.set(network.id, network)
    this.#pools.set(network.id, ownPools(network, last))
  }

  remove(networkId: string): void {
    this.networks.delete(networkId)
    this.#pools.delete(networkId)
  }

  poolsOf(network: NetworkInfo): NetworkPools {
    return this.#pools.get(network.id) ?? ownPools(network)
  }

  /** Nobody has the addresses of this endpoint any more. */
  freeAddresses({ networkId, ipv4, ipv6 }: StoredEndpoint): void {
    for (const address of [ipv4, ipv6]) this.#pools.get(networkId)?.free(address)
  }

  pools(): [string, NetworkPools][] {
    return [...this.#pools]
  }

  isAttached(endpointId: string): boolean {
    return this.attached.has(endpointId)
  }

  on(networkId: string): StoredEndpoint[] {
    return this.endpoints.on(networkId)
  }

  memberships(containerId: string): Membership<StoredEndpoint>[] {
    return this.endpoints.of(containerId).flatMap((endpoint) => {
      const network = this.networks.get(endpoint.networkId)
      return network === undefined ? [] : [{ endpoint, network }]
    })
  }

  /** In memory and on disk. */
  keep(endpoint: StoredEndpoint): void {
    if (this.endpoints.has(endpoint.id)) this.#parts.endpoints.replace(endpoint)
    else this.#parts.endpoints.add(endpoint)
    this.endpoints.set(endpoint)
  }

  keepDriverState(endpointId: string, driverState: Record<string, unknown> | undefined): void {
    const endpoint = this.endpoints.get(endpointId)
    if (endpoint !== undefined) this.keep({ ...endpoint, driverState })
  }

  /** For name servers: all of a network. */
  writeNames(network: NetworkInfo): void {
    if (!isPredefined(network)) this.#parts.names.write(network, this.on(network.id))
  }

  /** For name servers: of this endpoint there is news, or it is gone. */
  writeName(network: NetworkInfo, endpointId: string): void {
    if (!isPredefined(network)) this.#parts.names.tell(network, endpointId, this.endpoints)
  }
}

/** The engine's own addresses; none where others give them. */
function ownPools(network: NetworkInfo, last?: readonly string[]): NetworkPools {
  const own = !network.configOnly && isOwnIpam(network.ipam.driver)
  return new NetworkPools(own ? network : { ...network, ipam: { ...network.ipam, config: [] } }, last)
}
