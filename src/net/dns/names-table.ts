import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import path from 'node:path'
import type { NetworkNames, NetworkNamesChange } from '../contract.ts'
import { ChangingNetwork } from './named-network.ts'
import type { NamedNetwork } from './named-network.ts'

/** Kernels before 6.13 count the time of a change in steps of up to 10 ms: so long two changes may look like one. */
const settled = 50_000_000n

interface Known {
  /** Of the file, which is never written anew in place. */
  identity: string
  /** Bytes that are in `network`. */
  read: number
  network: ChangingNetwork
}

/**
 * What the files of NetworkNames say at this moment. A look at the folder's time of change is enough while nothing changes, so
 * that every question is answered with what was true when it was asked.
 */
export class NamesTable {
  readonly #folder: string
  readonly #files = new Map<string, Known>()
  #seen = -1n
  #networks: NamedNetwork[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The networks that this container is on, by name. */
  networksOf(containerId: string): readonly NamedNetwork[] {
    this.#refresh()
    return this.#networks.filter(({ members }) => members.has(containerId))
  }

  #refresh(): void {
    const changed = statSync(this.#folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n
    if (changed === this.#seen) return
    const now = BigInt(Date.now()) * 1_000_000n
    const names = new Set(changed === 0n ? [] : readdirSync(this.#folder).filter((name) => name.endsWith('.json')))
    for (const name of this.#files.keys()) if (!names.has(name)) this.#files.delete(name)
    for (const name of names) this.#read(name)
    this.#networks = [...this.#files.values()].map(({ network }) => network).toSorted((one, other) => (one.name < other.name ? -1 : 1))
    this.#seen = now - changed > settled ? changed : -1n
  }

  #read(name: string): void {
    try {
      const news = readNews(path.join(this.#folder, name), this.#files.get(name))
      if (news !== undefined) this.#files.set(name, news)
    } catch {
      // It went meanwhile; the next question finds out.
      this.#files.delete(name)
    }
  }
}

/** Undefined: there is nothing new. */
function readNews(file: string, known: Known | undefined): Known | undefined {
  const fd = openSync(file, 'r')
  try {
    const { ino, birthtimeNs, size } = fstatSync(fd, { bigint: true })
    const identity = `${ino} ${birthtimeNs}`
    const begin = known?.identity === identity && Number(size) >= known.read ? known.read : 0
    if (begin > 0 && Number(size) === begin) return undefined
    const bytes = Buffer.alloc(Number(size) - begin)
    const text = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, begin))
    // The last line may be on its way, unless it is the only one: that is there as a whole from the rename on.
    const end = text.lastIndexOf(0x0a) + 1
    const lines = text.subarray(0, end === 0 && begin === 0 ? text.length : end).toString().split('\n').filter((line) => line !== '')
    const network = begin > 0 && known !== undefined ? known.network : new ChangingNetwork(JSON.parse(lines.shift() ?? '') as NetworkNames)
    for (const line of lines) network.change(JSON.parse(line) as NetworkNamesChange)
    return { identity, read: begin + (end === 0 && begin === 0 ? text.length : end), network }
  } finally {
    closeSync(fd)
  }
}
