import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import { packPorts, rangeKey } from '../lib/port-table.ts'
import type { BoundPorts } from './contract.ts'
import type { EndpointStore, MorePorts, StoredEndpoint } from './endpoint-store.ts'
import type { Membership } from './gateway-order.ts'
import type { PacketFilter } from './packet-filter.ts'
import type { PortAllocator } from './port-allocator.ts'
import type { PortHolder, PortRule } from './port-holder.ts'
import { portRows } from './port-rows.ts'
import type { PortTarget } from './port-rows.ts'
import { allPorts, carriersOf, withBoundPorts } from './published-ports.ts'
import type { Carrier } from './published-ports.ts'

interface PublisherParts {
  filter: PacketFilter
  holder: PortHolder
  ports: PortAllocator
  endpoints: EndpointStore
  /** Writes an endpoint down. */
  keep: (endpoint: StoredEndpoint) => void
  isAttached: (endpointId: string) => boolean
}

/** Keeps a container's ports on the endpoints that are its way out. */
export class PortPublisher {
  readonly #parts: PublisherParts

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * Closes what is not wanted, or no longer here, then opens the rest: a port that moves is closed for a moment, one that
   * stays is not touched. When a port cannot be opened, those that were not touched stay.
   */
  async publish(members: readonly Membership<StoredEndpoint>[], wanted: Record<string, PortBinding[]>): Promise<void> {
    const bindings = withBoundPorts(packPorts(wanted), allPorts(members.map(({ endpoint }) => endpoint)))
    const carriers = carriersOf(members, { carriesIPv6: this.#parts.holder.carriesIPv6 })
    const current = new Map(members.map(({ endpoint }) => [endpoint.id, endpoint]))
    for (const { endpoint } of members) {
      const target = carriers.find((carrier) => carrier.endpoint.id === endpoint.id)?.target
      const kept = target === undefined ? {} : unchanged(endpoint, bindings, target)
      if (Object.keys(kept).length < Object.keys(endpoint.bindings).length) current.set(endpoint.id, await this.#close(endpoint, kept))
    }
    for (const { endpoint, target } of carriers) await this.#open(current.get(endpoint.id) ?? endpoint, bindings, target)
  }

  /**
   * These as well, whatever there is already: costs what the new ones cost. All or none.
   * @returns all rows of the ports named; undefined: ports have to move as well, which is for `publish`
   */
  async publishMore(members: readonly Membership<StoredEndpoint>[], asked: Record<string, PortBinding[]>): Promise<BoundPorts | undefined> {
    const wanted = packPorts(asked)
    const carriers = carriersOf(members, { carriesIPv6: this.#parts.holder.carriesIPv6 })
    if (hasMoved(members, carriers)) return undefined
    const { endpoints, filter, isAttached } = this.#parts
    const opened: { endpoint: StoredEndpoint; more: MorePorts }[] = []
    for (const { endpoint, target } of carriers) {
      try {
        const { rules, ports } = await this.#parts.ports.open(portRows(wanted, target))
        const more: MorePorts = { target, rules, ports, bindings: wanted }
        opened.push({ endpoint, more })
        endpoints.addPorts(endpoint, more)
        if (isAttached(endpoint.id)) await filter.publish(rules)
      } catch (error) {
        for (const each of opened) await this.#takeBack(each)
        throw publishFailure(endpoint, error)
      }
    }
    return Object.fromEntries(Object.keys(wanted).map((key) => [key, carriers.flatMap(({ endpoint }) => endpoint.ports[key] ?? [])]))
  }

  async #takeBack({ endpoint, more }: { endpoint: StoredEndpoint; more: MorePorts }): Promise<void> {
    if (this.#parts.isAttached(endpoint.id)) await this.#parts.filter.withdraw(more.rules)
    this.#parts.endpoints.removePorts(endpoint, more)
    await this.#parts.ports.close(more.rules)
  }

  async #close(endpoint: StoredEndpoint, kept: Record<string, PortBinding[]>): Promise<StoredEndpoint> {
    const [staying, going] = [[] as PortRule[], [] as PortRule[]]
    for (const rule of endpoint.rules) (Object.hasOwn(kept, keyOf(rule)) ? staying : going).push(rule)
    const ports = Object.fromEntries(Object.entries(endpoint.ports).filter(([key]) => Object.hasOwn(kept, key)))
    if (this.#parts.isAttached(endpoint.id)) await this.#parts.filter.withdraw(going)
    const rest: StoredEndpoint = { ...endpoint, rules: staying, bindings: kept, ports }
    this.#parts.keep(rest)
    await this.#parts.ports.close(going)
    return rest
  }

  async #open(endpoint: StoredEndpoint, bindings: Record<string, PortBinding[]>, target: PortTarget): Promise<void> {
    const fresh = Object.fromEntries(Object.entries(bindings).filter(([key]) => !Object.hasOwn(endpoint.bindings, key)))
    if (Object.keys(fresh).length === 0) return
    const rows = portRows(fresh, target)
    try {
      const opened = await this.#parts.ports.open(rows)
      this.#parts.keep({
        ...endpoint, target, rules: [...endpoint.rules, ...opened.rules], ports: { ...endpoint.ports, ...opened.ports }, bindings: { ...endpoint.bindings, ...fresh },
      })
      if (this.#parts.isAttached(endpoint.id)) await this.#parts.filter.publish(opened.rules)
    } catch (error) {
      throw publishFailure(endpoint, error)
    }
  }
}

/** Docker's text. */
export function publishFailure(endpoint: Pick<StoredEndpoint, 'id' | 'containerName'>, cause: unknown): GantryError {
  if (cause instanceof GantryError && cause.kind === 'InvalidParameter') return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new GantryError('System', `driver failed programming external connectivity on endpoint ${endpoint.containerName} (${endpoint.id}): ${reason}`, { cause })
}

/** Whether ports that are open are elsewhere, or otherwise, than they would be opened now. */
function hasMoved(members: readonly Membership<StoredEndpoint>[], carriers: readonly Carrier[]): boolean {
  return members.some(({ endpoint }) => {
    if (endpoint.rules.length === 0) return false
    const carrier = carriers.find((one) => one.endpoint.id === endpoint.id)
    return carrier === undefined || JSON.stringify(carrier.target) !== JSON.stringify(endpoint.target)
  })
}

/** The bindings that an endpoint has already, and in the same way. */
function unchanged(endpoint: StoredEndpoint, bindings: Record<string, PortBinding[]>, target: PortTarget): Record<string, PortBinding[]> {
  if (JSON.stringify(endpoint.target) !== JSON.stringify(target)) return {}
  const same = (key: string): boolean => JSON.stringify(withBoundPorts({ [key]: endpoint.bindings[key] ?? [] }, endpoint.ports)) === JSON.stringify({ [key]: bindings[key] })
  return Object.fromEntries(Object.entries(endpoint.bindings).filter(([key]) => same(key)))
}

function keyOf({ containerPort, protocol, count = 1 }: PortRule): string {
  return rangeKey(containerPort, count, protocol)
}
