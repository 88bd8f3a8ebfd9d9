import { randomBytes } from 'node:crypto'
import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import { allocation, freeInterfaceName, noPlaces, placesIn } from './allocation.ts'
import type { AllocateEndpoint, Endpoint, NetworkInfo } from './contract.ts'
import type { EndpointAttachment } from './endpoint-attachment.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { foreignPlaces, releaseForeign } from './foreign-endpoints.ts'
import { isOwnIpam } from './ipam/plugin-ipam.ts'
import type { NetworkParts } from './network-parts.ts'
import type { NetworkState } from './network-state.ts'

interface Hooks {
  attachment: EndpointAttachment
  publish: (containerId: string, bindings: Record<string, PortBinding[]>) => Promise<unknown>
}

/** Containers' places on networks: addresses, names and ports, from `allocate` to `release`. */
export class EndpointLifecycle {
  readonly #parts: NetworkParts
  readonly #state: NetworkState
  readonly #hooks: Hooks
  /** Allocations on their way, by network and container. */
  readonly #pending = new Map<string, Promise<Endpoint>>()

  constructor(parts: NetworkParts, state: NetworkState, hooks: Hooks) {
    this.#parts = parts
    this.#state = state
    this.#hooks = hooks
  }

  allocate(request: AllocateEndpoint): Promise<Endpoint> {
    const slot = `${request.networkId}/${request.containerId}`
    const pending = this.#pending.get(slot)
    if (pending !== undefined) return pending
    const allocating = this.#allocate(request).finally(() => this.#pending.delete(slot))
    this.#pending.set(slot, allocating)
    return allocating
  }

  async release(endpointId: string): Promise<void> {
    const endpoint = this.#state.endpoints.get(endpointId)
    if (endpoint === undefined) return
    await this.#hooks.attachment.detach(endpointId)
    const { ports, endpoints, resolver } = this.#parts
    const network = this.#state.networks.get(endpoint.networkId)
    if (network !== undefined) await releaseForeign(this.#parts, network, endpoint)
    this.#state.endpoints.delete(endpoint)
    endpoints.remove(endpointId)
    this.#state.freeAddresses(endpoint)
    if (network !== undefined) this.#state.writeName(network, endpointId)
    await resolver.changed(endpoint.containerId, this.#state.memberships(endpoint.containerId))
    await ports.close([...endpoint.rules, ...(endpoint.reserved ?? [])])
  }

  rename(containerId: string, name: string, dnsNames: ReadonlyMap<string, string[]>): void {
    for (const { endpoint, network } of this.#state.memberships(containerId)) {
      this.#state.keep({ ...endpoint, containerName: name, dnsNames: dnsNames.get(endpoint.id) ?? endpoint.dnsNames })
      this.#state.writeName(network, endpoint.id)
    }
  }

  /** Settles when no allocation is on its way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#pending.values())
  }

  async #allocate(request: AllocateEndpoint): Promise<Endpoint> {
    const network = this.#state.get(request.networkId)
    const existing = this.#state.endpoints.of(request.containerId).find(({ networkId }) => networkId === network.id)
    if (existing !== undefined) return existing
    if (network.configOnly) throw new GantryError('Forbidden', 'cannot create endpoint on configuration-only network')
    const driver = this.#parts.drivers.of(network.driver)
    const isForeign = driver.isForeign === true || driver.givesAddresses === true
    const siblings = this.#state.memberships(request.containerId).map(({ endpoint }) => endpoint)
    const interfaceName = freeInterfaceName(network, siblings, request.driverOpts)
    const places = driver.givesAddresses ? noPlaces : isOwnIpam(network.ipam.driver) ? placesIn(network, this.#state.poolsOf(network), request) : await foreignPlaces(this.#parts, network, request)
    const endpoint = allocation({ id: randomBytes(32).toString('hex'), network, places, request, interfaceName, isForeign })
    this.#state.keep(endpoint)
    if (driver.allocate !== undefined) await this.#announce(network, endpoint)
    this.#state.writeName(network, endpoint.id)
    if (request.portBindings === undefined || Object.keys(request.portBindings).length === 0) return endpoint
    try {
      await this.#hooks.publish(request.containerId, request.portBindings)
    } catch (error) {
      await this.release(endpoint.id)
      throw error
    }
    return this.#state.endpoints.get(endpoint.id) ?? endpoint
  }

  /** The driver hears of the endpoint, and may have a say. */
  async #announce(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
    try {
      const decided = await this.#parts.drivers.of(network.driver).allocate?.(network, endpoint)
      this.#state.keep({ ...endpoint, ...decided })
    } catch (error) {
      await this.release(endpoint.id)
      throw error
    }
  }
}
