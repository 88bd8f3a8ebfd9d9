import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { NameRecord, NetworkNames } from '../contract.ts'

/** One network with its names, in lower case. */
export interface NamedNetwork {
  name: string
  internal: boolean
  members: ReadonlyMap<string, NameRecord>
  byName: ReadonlyMap<string, readonly NameRecord[]>
  byAddress: ReadonlyMap<string, NameRecord>
}

/** Kernels before 6.13 count the time of a change in steps of up to 10 ms: so long two changes may look like one. */
const settled = 50_000_000n

interface Known {
  signature: string
  network: NamedNetwork | undefined
}

/**
 * What the files of NetworkNames say at this moment. A look at the folder's time of change is enough while nothing changes, so
 * that every question is answered with what was true when it was asked.
 */
export class NamesTable {
  readonly #folder: string
  readonly #files = new Map<string, Known>()
  #seen = -1n
  #byContainer = new Map<string, NamedNetwork[]>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The networks that this container is on, by name. */
  networksOf(containerId: string): readonly NamedNetwork[] {
    this.#refresh()
    return this.#byContainer.get(containerId) ?? []
  }

  #refresh(): void {
    const changed = statSync(this.#folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n
    if (changed === this.#seen) return
    const now = BigInt(Date.now()) * 1_000_000n
    const names = changed === 0n ? [] : readdirSync(this.#folder).filter((name) => name.endsWith('.json'))
    for (const name of this.#files.keys()) if (!names.includes(name)) this.#files.delete(name)
    for (const name of names) this.#read(name, now)
    this.#index()
    this.#seen = now - changed > settled ? changed : -1n
  }

  #read(name: string, now: bigint): void {
    const file = path.join(this.#folder, name)
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined) return
    const signature = now - stat.mtimeNs > settled ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : ''
    if (signature !== '' && this.#files.get(name)?.signature === signature) return
    this.#files.set(name, { signature, network: parse(file) })
  }

  #index(): void {
    const networks = [...this.#files.values()].flatMap(({ network }) => network ?? []).toSorted((one, other) => (one.name < other.name ? -1 : 1))
    this.#byContainer = new Map()
    for (const network of networks) {
      for (const id of network.members.keys()) this.#byContainer.set(id, [...(this.#byContainer.get(id) ?? []), network])
    }
  }
}

function parse(file: string): NamedNetwork | undefined {
  try {
    return namedNetwork(JSON.parse(readFileSync(file, 'utf8')) as NetworkNames)
  } catch {
    // It went meanwhile; the next question finds out.
    return undefined
  }
}

export function namedNetwork({ name, internal, endpoints }: NetworkNames): NamedNetwork {
  const byName = new Map<string, NameRecord[]>()
  for (const endpoint of endpoints) {
    for (const one of new Set(endpoint.names.map((text) => text.toLowerCase()))) byName.set(one, [...(byName.get(one) ?? []), endpoint])
  }
  return {
    name: name.toLowerCase(),
    internal,
    members: new Map(endpoints.map((endpoint) => [endpoint.containerId, endpoint])),
    byName,
    byAddress: new Map(endpoints.flatMap((endpoint) => [endpoint.ipv4, endpoint.ipv6].filter((address) => address !== '').map((address) => [address, endpoint] as const))),
  }
}
