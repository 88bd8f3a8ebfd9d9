import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { GantryError } from '../lib/errors.ts'
import type { AddressPool } from './address-pool.ts'
import type { BridgeDriver } from './bridge-driver.ts'
import { newHostInterfaceName } from './bridge-interface.ts'
import type { AllocateEndpoint, Endpoint, NetworkInfo, NetworkService } from './contract.ts'
import type { EndpointStore, StoredEndpoint } from './endpoint-store.ts'
import { formatIPv4, parseIPv4 } from './ipv4.ts'
import type { Subnet } from './ipv4.ts'
import { randomMac } from './mac-address.ts'
import { findNetwork } from './network-list.ts'
import { boundPorts } from './port-allocator.ts'
import type { PortAllocator } from './port-allocator.ts'
import type { PortHolder } from './port-holder.ts'
import { portRows } from './port-rows.ts'

/** The service, and what only its owner may do. */
export interface LocalNetworkService extends NetworkService {
  /** What `recover` changed on the host, in words: "net.ipv4.ip_forward: 0 -> 1". */
  readonly hostChanges: readonly string[]
  /** Forgets all endpoints and removes bridge, table and proxy, whatever still uses them. Then closed. */
  purge(): Promise<void>
}

export interface NetworkParts {
  networks: readonly NetworkInfo[]
  subnet: Subnet
  /** Removed by `close` when no endpoint is left; docker0 stays, as Docker leaves it. */
  bridgeIsPrivate: boolean
  store: EndpointStore
  pool: AddressPool
  driver: BridgeDriver
  holder: PortHolder
  ports: PortAllocator
}

export function networkService(parts: NetworkParts): LocalNetworkService {
  return new Networks(parts)
}

class Networks implements LocalNetworkService {
  hostChanges: string[] = []
  readonly #parts: NetworkParts
  readonly #endpoints = new Map<string, StoredEndpoint>()
  /** Allocations on their way, by network and container. */
  readonly #pending = new Map<string, Promise<Endpoint>>()

  constructor(parts: NetworkParts) {
    this.#parts = parts
    for (const endpoint of parts.store.load()) {
      this.#endpoints.set(endpoint.id, endpoint)
      if (endpoint.ipv4 !== '') parts.pool.hold(parseIPv4(endpoint.ipv4))
      parts.ports.hold(endpoint.rules)
    }
  }

  list(): NetworkInfo[] {
    return [...this.#parts.networks]
  }

  get(ref: string): NetworkInfo {
    return findNetwork(this.#parts.networks, ref)
  }

  endpoints(networkId: string): Endpoint[] {
    const { id } = this.get(networkId)
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.networkId === id)
  }

  allocate(request: AllocateEndpoint): Promise<Endpoint> {
    const slot = `${request.networkId}/${request.containerId}`
    const pending = this.#pending.get(slot)
    if (pending !== undefined) return pending
    const allocation = this.#allocate(request).finally(() => this.#pending.delete(slot))
    this.#pending.set(slot, allocation)
    return allocation
  }

  async #allocate(request: AllocateEndpoint): Promise<Endpoint> {
    const { pool, ports, subnet, holder } = this.#parts
    const network = this.get(request.networkId)
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.networkId === network.id && endpoint.containerId === request.containerId) return endpoint
    }
    const id = randomBytes(32).toString('hex')
    const owner = { id, networkId: network.id, containerId: request.containerId, containerName: request.containerName }
    if (network.driver !== 'bridge') {
      return this.#keep({ ...owner, ipv4: '', prefix: 0, gateway: '', mac: '', hostInterface: '', ports: {}, rules: [] })
    }
    const rows = portRows(request.portBindings, { ipv6: holder.carriesIPv6 && hostHasIPv6() })
    const address = pool.take(request.ipv4 === undefined || request.ipv4 === '' ? undefined : parseIPv4(request.ipv4))
    const ipv4 = formatIPv4(address)
    try {
      const open = rows.length === 0 ? [] : await ports.open(rows, ipv4)
      return this.#keep({
        ...owner, ipv4, prefix: subnet.prefix, gateway: formatIPv4(subnet.gateway), mac: request.mac || randomMac(),
        hostInterface: newHostInterfaceName(), ports: boundPorts(open), rules: open.flatMap(({ rules }) => rules),
      })
    } catch (error) {
      pool.free(address)
      if (rows.length === 0) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new GantryError('System', `driver failed programming external connectivity on endpoint ${request.containerName} (${id}): ${reason}`, { cause: error })
    }
  }

  async attach(endpointId: string, pid: number): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) throw new GantryError('NotFound', `endpoint ${endpointId} not found`)
    const { driver } = this.get(endpoint.networkId)
    if (driver === 'host') return
    if (driver === 'null') {
      await this.attachNone(pid)
      return
    }
    this.#parts.driver.attach(endpoint, pid)
  }

  async detach(endpointId: string): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined || endpoint.ipv4 === '') return
    this.#parts.driver.detach(endpoint)
  }

  async release(endpointId: string): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) return
    await this.detach(endpointId)
    const { pool, ports, store } = this.#parts
    this.#endpoints.delete(endpointId)
    store.remove(endpointId)
    if (endpoint.ipv4 !== '') pool.free(parseIPv4(endpoint.ipv4))
    await ports.close(endpoint.rules)
  }

  async attachNone(pid: number): Promise<void> {
    this.#parts.driver.attachNone(pid)
  }

  async recover(alive: ReadonlySet<string>): Promise<void> {
    const { driver, holder } = this.#parts
    const living = [...this.#endpoints.values()].filter(({ id }) => alive.has(id))
    const lost = await holder.reconcile(living.flatMap(({ rules }) => rules))
    this.hostChanges = await driver.setUp(living.filter(({ ipv4 }) => ipv4 !== ''))
    // Another process took the port while nobody held it: NAT would take it away from that one.
    driver.withdraw(lost)
    for (const { id } of this.#endpoints.values()) if (!alive.has(id)) await this.release(id)
  }

  async close(): Promise<void> {
    const { driver, holder, bridgeIsPrivate, pool, store } = this.#parts
    await Promise.allSettled(this.#pending.values())
    store.saveLastAddress(pool.last)
    await holder.leave()
    const used = [...this.#endpoints.values()].some(({ ipv4 }) => ipv4 !== '')
    if (!used) await driver.remove({ bridge: bridgeIsPrivate })
    driver.close()
  }

  async purge(): Promise<void> {
    const { driver, holder } = this.#parts
    await Promise.allSettled(this.#pending.values())
    for (const id of this.#endpoints.keys()) await this.release(id)
    await holder.reconcile([])
    await holder.leave()
    await driver.remove({ bridge: true })
    driver.close()
  }

  #keep(endpoint: StoredEndpoint): StoredEndpoint {
    this.#parts.store.add(endpoint)
    this.#endpoints.set(endpoint.id, endpoint)
    return endpoint
  }
}

function hostHasIPv6(): boolean {
  return existsSync('/proc/net/if_inet6')
}
