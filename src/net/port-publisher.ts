import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import type { Membership } from './gateway-order.ts'
import type { PacketFilter } from './packet-filter.ts'
import type { PortAllocator } from './port-allocator.ts'
import type { PortHolder, PortRule } from './port-holder.ts'
import { portRows } from './port-rows.ts'
import type { PortTarget } from './port-rows.ts'
import { allPorts, carriersOf, withBoundPorts } from './published-ports.ts'

interface PublisherParts {
  filter: PacketFilter
  holder: PortHolder
  ports: PortAllocator
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
    const bindings = withBoundPorts(wanted, allPorts(members.map(({ endpoint }) => endpoint)))
    const carriers = carriersOf(members, { carriesIPv6: this.#parts.holder.carriesIPv6 })
    const current = new Map(members.map(({ endpoint }) => [endpoint.id, endpoint]))
    for (const { endpoint } of members) {
      const target = carriers.find((carrier) => carrier.endpoint.id === endpoint.id)?.target
      const kept = target === undefined ? {} : unchanged(endpoint, bindings, target)
      if (Object.keys(kept).length < Object.keys(endpoint.bindings).length) current.set(endpoint.id, await this.#close(endpoint, kept))
    }
    for (const { endpoint, target } of carriers) await this.#open(current.get(endpoint.id) ?? endpoint, bindings, target)
  }

  async #close(endpoint: StoredEndpoint, kept: Record<string, PortBinding[]>): Promise<StoredEndpoint> {
    const [staying, going] = [[] as PortRule[], [] as PortRule[]]
    for (const rule of endpoint.rules) (keysOf(rule).every((key) => Object.hasOwn(kept, key)) ? staying : going).push(rule)
    // What shares a range with a port that goes has to be opened again.
    const keys = new Set(going.flatMap(keysOf))
    const left = Object.fromEntries(Object.entries(kept).filter(([key]) => !keys.has(key)))
    const ports = Object.fromEntries(Object.entries(endpoint.ports).filter(([key]) => Object.hasOwn(left, key)))
    if (this.#parts.isAttached(endpoint.id)) await this.#parts.filter.withdraw(going)
    const rest: StoredEndpoint = { ...endpoint, rules: staying, bindings: left, ports }
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
      const whole: StoredEndpoint = {
        ...endpoint, target, rules: [...endpoint.rules, ...opened.rules], ports: { ...endpoint.ports, ...opened.ports }, bindings: { ...endpoint.bindings, ...fresh },
      }
      this.#parts.keep(whole)
      if (this.#parts.isAttached(endpoint.id)) await this.#parts.filter.publish(opened.rules)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new GantryError('System', `driver failed programming external connectivity on endpoint ${endpoint.containerName} (${endpoint.id}): ${reason}`, { cause: error })
    }
  }
}

/** The bindings that an endpoint has already, and in the same way. */
function unchanged(endpoint: StoredEndpoint, bindings: Record<string, PortBinding[]>, target: PortTarget): Record<string, PortBinding[]> {
  if (JSON.stringify(endpoint.target) !== JSON.stringify(target)) return {}
  const same = (key: string): boolean => JSON.stringify(withBoundPorts({ [key]: endpoint.bindings[key] ?? [] }, endpoint.ports)) === JSON.stringify({ [key]: bindings[key] })
  return Object.fromEntries(Object.entries(endpoint.bindings).filter(([key]) => same(key)))
}

function keysOf({ containerPort, protocol, count = 1 }: PortRule): string[] {
  return Array.from({ length: count }, (_, at) => `${containerPort + at}/${protocol}`)
}
