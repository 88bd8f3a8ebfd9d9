import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Endpoint, NameRecord, NetworkInfo, NetworkNames } from './contract.ts'

/** The files of NetworkNames. */
export class NamesFolder {
  readonly folder: string

  constructor(runtimeDir: string) {
    this.folder = path.join(runtimeDir, 'names')
    mkdirSync(this.folder, { recursive: true, mode: 0o711 })
  }

  write(network: NetworkInfo, endpoints: readonly Endpoint[]): void {
    const file = path.join(this.folder, `${network.id}.json`)
    const records = endpoints.map(nameRecord).filter(({ names }) => names.length > 0)
    if (records.length === 0) {
      rmSync(file, { force: true })
      return
    }
    const content: NetworkNames = { id: network.id, name: network.name, internal: network.internal, endpoints: records }
    writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o644 })
    renameSync(`${file}.new`, file)
  }

  /** After a restart: no others than these. */
  retain(networkIds: ReadonlySet<string>): void {
    for (const name of readdirSync(this.folder)) {
      if (!networkIds.has(name.replace(/\.json$/, ''))) rmSync(path.join(this.folder, name))
    }
  }
}

export function nameRecord({ id, containerId, dnsNames, ipv4, ipv6, links }: Endpoint): NameRecord {
  return { endpointId: id, containerId, names: dnsNames, ipv4, ipv6, links }
}
