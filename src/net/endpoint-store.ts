import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { packPorts } from '../lib/port-table.ts'
import type { PortBinding } from '../engine/types/host-config.ts'
import type { BoundPorts, Endpoint } from './contract.ts'
import type { PortRule } from './port-holder.ts'
import type { PortTarget } from './port-rows.ts'

export interface StoredEndpoint extends Endpoint {
  /** What the ports are made of. */
  rules: PortRule[]
  /** The ports that were asked for, those that are bound filled in. */
  bindings: Record<string, PortBinding[]>
  /** How they were opened. */
  target?: PortTarget
  /** Host ports that the network's driver opens: nobody else may have them. */
  reserved?: PortRule[]
  /** What a user asked for, where the network's driver gives the addresses. */
  askedIPv4?: string
  askedIPv6?: string
  /** Of its interface, as the option of the endpoint has them. */
  sysctls?: string
  /** For drivers of third parties. */
  driverOpts?: Record<string, string>
  /** The network's driver's own word about it. */
  driverState?: Record<string, unknown>
}

/** Ports that are published beside those that an endpoint has. */
export interface MorePorts {
  target: PortTarget
  rules: PortRule[]
  bindings: Record<string, PortBinding[]>
  ports: BoundPorts
}

/** What files of earlier versions do not have. */
const absent = { ipv6: '', prefix6: 0, gateway6: '', containerInterface: '', gwPriority: 0, dnsNames: [], links: [], bindings: {} }

/**
 * Endpoints, one file each, under `<root>/endpoints`, written once, and anew when ports go or names change. A port that comes is one line
 * more at the end of the file, so that the last costs what the first did. Whoever dies while writing leaves a file that cannot
 * be read, or a last line: nobody has heard of that endpoint or port yet, and the next start removes it. There is no fsync: a power cut
 * takes the namespaces along, and with them all endpoints.
 */
export class EndpointStore {
  readonly #folder: string
  readonly #lastFile: string

  constructor(root: string) {
    this.#folder = path.join(root, 'endpoints')
    this.#lastFile = path.join(root, 'last-addresses.json')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  load(): StoredEndpoint[] {
    return readdirSync(this.#folder).flatMap((name) => {
      const file = path.join(this.#folder, name)
      if (!name.endsWith('.json')) {
        rmSync(file)
        return []
      }
      try {
        return [this.#read(file)]
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
        rmSync(file)
        return []
      }
    })
  }

  add(endpoint: StoredEndpoint): void {
    writeFileSync(path.join(this.#folder, `${endpoint.id}.json`), JSON.stringify(endpoint), { mode: 0o600, flag: 'wx' })
  }

  remove(id: string): void {
    try {
      unlinkSync(path.join(this.#folder, `${id}.json`))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  /** In place of what was there. */
  replace(endpoint: StoredEndpoint): void {
    const file = path.join(this.#folder, `${endpoint.id}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(endpoint), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  /** Adds ports to an endpoint that is there, on disk and in `endpoint` itself. */
  addPorts(endpoint: StoredEndpoint, more: MorePorts): void {
    try {
      appendFileSync(path.join(this.#folder, `${endpoint.id}.json`), `\n${JSON.stringify(more)}`)
    } catch (error) {
      // No space: half a line may be there.
      this.replace(endpoint)
      throw error
    }
    takePorts(endpoint, more)
  }

  /** Fine when `addPorts` did not come so far. */
  removePorts(endpoint: StoredEndpoint, more: MorePorts): void {
    endpoint.rules = without(endpoint.rules, more.rules)
    for (const [key, list] of Object.entries(more.bindings)) endpoint.bindings[key] = without(endpoint.bindings[key] ?? [], list)
    for (const [key, list] of Object.entries(more.ports)) endpoint.ports[key] = without(endpoint.ports[key] ?? [], list)
    for (const table of [endpoint.bindings, endpoint.ports]) for (const key of Object.keys(table)) if (table[key]?.length === 0) delete table[key]
    this.replace(endpoint)
  }

  #read(file: string): StoredEndpoint {
    const [first = '', ...lines] = readFileSync(file, 'utf8').split('\n')
    const endpoint: StoredEndpoint = { ...absent, ...(JSON.parse(first) as StoredEndpoint) }
    // Earlier versions wrote each port of a range.
    endpoint.bindings = { ...packPorts(endpoint.bindings) }
    endpoint.ports = packPorts(endpoint.ports)
    try {
      for (const line of lines) takePorts(endpoint, JSON.parse(line) as MorePorts)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      // Cut short: the next line must not be glued to it.
      this.replace(endpoint)
    }
    return endpoint
  }

  /** By network, the addresses given last, as of the last clean end: only for rotation, so that it may be lost. */
  lastAddresses(): Record<string, string[]> {
    try {
      return JSON.parse(readFileSync(this.#lastFile, 'utf8')) as Record<string, string[]>
    } catch {
      return {}
    }
  }

  saveLastAddresses(last: Record<string, string[]>): void {
    writeFileSync(this.#lastFile, JSON.stringify(last))
  }
}

function takePorts(endpoint: StoredEndpoint, { target, rules, bindings, ports }: MorePorts): void {
  endpoint.target = target
  endpoint.rules.push(...rules)
  for (const [key, list] of Object.entries(bindings)) (endpoint.bindings[key] ??= []).push(...list)
  for (const [key, list] of Object.entries(ports)) (endpoint.ports[key] ??= []).push(...list)
}

function without<T>(list: readonly T[], unwanted: readonly T[]): T[] {
  return list.filter((one) => !unwanted.includes(one))
}
