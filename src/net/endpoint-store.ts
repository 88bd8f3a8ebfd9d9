import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Endpoint } from './contract.ts'
import type { PortRule } from './port-holder.ts'

export interface StoredEndpoint extends Endpoint {
  /** What the ports are made of, one a row of `ports`. */
  rules: PortRule[]
}

/**
 * Endpoints, one file each, under `<root>/endpoints`, written once and never changed. Whoever dies while writing leaves a
 * file that cannot be read: nobody has heard of that endpoint yet, and the next start removes it. There is no fsync: a
 * power cut takes the namespaces along, and with them all endpoints.
 */
export class EndpointStore {
  readonly #folder: string
  readonly #lastFile: string

  constructor(root: string) {
    this.#folder = path.join(root, 'endpoints')
    this.#lastFile = path.join(root, 'last-address')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  load(): StoredEndpoint[] {
    return readdirSync(this.#folder).flatMap((name) => {
      const file = path.join(this.#folder, name)
      try {
        return [JSON.parse(readFileSync(file, 'utf8')) as StoredEndpoint]
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

  /** The address given last, as of the last clean end: only for rotation, so that it may be lost. */
  lastAddress(): number | undefined {
    try {
      const last = Number(readFileSync(this.#lastFile, 'utf8'))
      return Number.isInteger(last) && last > 0 ? last : undefined
    } catch {
      return undefined
    }
  }

  saveLastAddress(address: number): void {
    writeFileSync(this.#lastFile, String(address))
  }
}
