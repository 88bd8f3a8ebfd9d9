import { closeSync, constants, mkdirSync, openSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Endpoint, NameRecord, NetworkInfo, NetworkNames, NetworkNamesChange } from './contract.ts'
import type { EndpointTable } from './endpoint-table.ts'

interface Written {
  /** Endpoints with names that the file tells of. */
  known: Set<string>
  /** Lines behind the first. */
  changes: number
}

/** So many changes more than there are endpoints may be in a file. */
const slack = 64

/** The files of NetworkNames. A change is one line more, so that the thousandth container costs what the first did. */
export class NamesFolder {
  readonly folder: string
  readonly #written = new Map<string, Written>()

  constructor(runtimeDir: string) {
    this.folder = path.join(runtimeDir, 'names')
    mkdirSync(this.folder, { recursive: true, mode: 0o711 })
  }

  /** Anew. */
  write(network: NetworkInfo, endpoints: readonly Endpoint[]): void {
    const records = endpoints.map(nameRecord).filter(({ names }) => names.length > 0)
    if (records.length === 0) {
      rmSync(this.#fileOf(network), { force: true })
      this.#written.delete(network.id)
      return
    }
    const content: NetworkNames = { id: network.id, name: network.name, internal: network.internal, endpoints: records }
    const fresh = `${this.#fileOf(network)}.new`
    writeFileSync(fresh, `${JSON.stringify(content)}\n`, { mode: 0o644 })
    renameSync(fresh, this.#fileOf(network))
    this.#written.set(network.id, { known: new Set(records.map(({ endpointId }) => endpointId)), changes: 0 })
  }

  /** That endpoint is new, has changed or is gone. */
  tell(network: NetworkInfo, endpointId: string, endpoints: EndpointTable): void {
    const endpoint = endpoints.get(endpointId)
    const record = endpoint && nameRecord(endpoint)
    const isThere = record !== undefined && record.names.length > 0
    const written = this.#written.get(network.id)
    if (!isThere && written?.known.has(endpointId) !== true) return
    if (written === undefined || written.changes >= written.known.size + slack || (!isThere && written.known.size === 1)) {
      this.write(network, endpoints.on(network.id))
      return
    }
    this.#append(network, isThere ? { endpoint: record } : { gone: endpointId }, endpoints)
    written.changes++
    if (isThere) written.known.add(endpointId)
    else written.known.delete(endpointId)
  }

  /** After a restart: no others than these. */
  retain(networkIds: ReadonlySet<string>): void {
    for (const name of readdirSync(this.folder)) {
      if (!networkIds.has(name.replace(/\.json$/, ''))) rmSync(path.join(this.folder, name))
    }
  }

  /** The folder has a new time of change, as after a rename: that is what readers look at. */
  #append(network: NetworkInfo, change: NetworkNamesChange, endpoints: EndpointTable): void {
    try {
      const file = openSync(this.#fileOf(network), constants.O_WRONLY | constants.O_APPEND)
      try {
        writeFileSync(file, `${JSON.stringify(change)}\n`)
      } finally {
        closeSync(file)
      }
    } catch {
      // Half a line for want of space, or no file: somebody has cleared the folder.
      this.write(network, endpoints.on(network.id))
      return
    }
    const now = new Date()
    utimesSync(this.folder, now, now)
  }

  #fileOf({ id }: NetworkInfo): string {
    return path.join(this.folder, `${id}.json`)
  }
}

export function nameRecord({ id, containerId, dnsNames, ipv4, ipv6, links }: Endpoint): NameRecord {
  return { endpointId: id, containerId, names: dnsNames, ipv4, ipv6, links }
}
