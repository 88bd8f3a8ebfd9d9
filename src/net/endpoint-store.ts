import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { PortBinding } from '../engine/types/host-config.ts'
import type { Endpoint } from './contract.ts'
import type { PortRule } from './port-holder.ts'
import type { PortTarget } from './port-rows.ts'

export interface StoredEndpoint extends Endpoint {
  /** What the ports are made of. */
  rules: PortRule[]
  /** The ports that were asked for, those that are bound filled in. */
  bindings: Record<string, PortBinding[]>
  /** How they were opened. */
  target?: PortTarget
}

/** What files of earlier versions do not have. */
const absent = { ipv6: '', prefix6: 0, gateway6: '', containerInterface: '', gwPriority: 0, dnsNames: [], links: [], bindings: {} }

/**
 * Endpoints, one file each, under `<root>/endpoints`, written once, and anew when ports or names change. Whoever dies while writing leaves a
 * file that cannot be read: nobody has heard of that endpoint yet, and the next start removes it. There is no fsync: a
 * power cut takes the namespaces along, and with them all endpoints.
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
        return [{ ...absent, ...(JSON.parse(readFileSync(file, 'utf8')) as StoredEndpoint) }]
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
    rmSync(path.join(this.#folder, `${id}.json`), { force: true })
  }

  /** In place of what was there. */
  replace(endpoint: StoredEndpoint): void {
    const file = path.join(this.#folder, `${endpoint.id}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(endpoint), { mode: 0o600 })
    renameSync(`${file}.new`, file)
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
