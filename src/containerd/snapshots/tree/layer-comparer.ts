import { closeSync, constants, lstatSync, openSync, readSync, readlinkSync, type BigIntStats } from 'node:fs'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { TarEntry, TarType } from '../../../lib/tar/entry.ts'
import { encodeName, fsPath } from '../../../lib/tar/member-name.ts'
import { readTar, type TarHandler } from '../../../lib/tar/reader.ts'
import { deviceNumber } from './device-number.ts'
import { cleanName, LayerRoot } from './layer-root.ts'
import { nodeCalls } from './node-calls.ts'
import { whiteoutOf } from './whiteout.ts'
import { readXattr } from './xattrs.ts'

export interface CompareLayer {
  kernel: Kernel
  tar: AsyncIterable<Uint8Array>
  /** Where the layer was unpacked, by itself or over its parent's tree. */
  directory: string
}

/** Compares what was unpacked with its archive. @returns what differs, "path: how", sorted */
export async function compareLayer({ kernel, tar, directory }: CompareLayer): Promise<string[]> {
  const comparer = new LayerComparer(kernel, directory)
  try {
    await readTar(tar, comparer)
    return comparer.differences()
  } finally {
    comparer.close()
  }
}

/** File systems keep these times to the second at least, whatever their age. */
const comparableTimes = { least: 0n, most: 2n ** 31n * 1_000_000_000n }
const second = 1_000_000_000n

/** The last member of a name is the one that counts, and what a later one replaced or hid is no difference. */
class LayerComparer implements TarHandler {
  readonly #kernel: Kernel
  readonly #root: LayerRoot
  readonly #found = new Map<string, string>()
  readonly #links: { name: string; target: string }[] = []
  readonly #seen = new Set<string>()
  readonly #changed = new Set<string>()
  #name = ''
  #file: number | undefined
  #buffer = Buffer.alloc(0)

  constructor(kernel: Kernel, directory: string) {
    this.#kernel = kernel
    this.#root = new LayerRoot(nodeCalls(kernel), directory)
  }

  entry(entry: TarEntry): void {
    const name = cleanName(entry.name)
    if (name === '') return
    const hidden = whiteoutOf(name.slice(name.lastIndexOf('/') + 1))
    if (hidden !== undefined) {
      if (hidden.startsWith('/')) this.#forget(name.slice(0, name.lastIndexOf('/') + 1) + hidden.slice(1))
      return
    }
    if (entry.type === 'directory') this.#found.delete(name)
    else this.#forget(name)
    if (this.#seen.has(name)) this.#changed.add(name)
    this.#seen.add(name)
    this.#name = name
    if (entry.type === 'link') this.#links.push({ name, target: cleanName(entry.linkName) })
    else this.#compare(entry)
  }

  data(chunk: Buffer, offset: number): void {
    if (this.#file === undefined) return
    if (this.#buffer.length < chunk.length) this.#buffer = Buffer.alloc(chunk.length)
    let length = 0
    for (let got = -1; got !== 0 && length < chunk.length; length += got) got = readSync(this.#file, this.#buffer, length, chunk.length - length, offset + length)
    if (!this.#buffer.subarray(0, length).equals(chunk)) this.#found.set(this.#name, 'its content is another')
  }

  end(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  differences(): string[] {
    for (const { name, target } of this.#links) {
      if (this.#changed.has(name) || this.#changed.has(target)) continue
      const [one, other] = [this.#stat(name), this.#stat(target)]
      if (one === undefined) this.#found.set(name, 'it is missing')
      else if (one.ino !== other?.ino) this.#found.set(name, `it is no link to ${target}`)
    }
    return [...this.#found].map(([name, how]) => `${name}: ${how}`).toSorted()
  }

  close(): void {
    this.end()
    this.#root.close()
  }

  #compare(entry: TarEntry): void {
    const stats = this.#stat(this.#name)
    const how = stats === undefined ? 'it is missing' : this.#difference(entry, stats)
    if (how !== undefined) this.#found.set(this.#name, how)
    else if (entry.type === 'file') this.#file = openSync(fsPath(this.#root.place(this.#name, true).path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NOATIME)
  }

  #difference(entry: TarEntry, stats: BigIntStats): string | undefined {
    const { path } = this.#root.place(this.#name, true)
    const type = typeOf(stats)
    if (type !== entry.type) return `it is a ${type}, and a ${entry.type} in the archive`
    const mode = Number(stats.mode) & 0o7777
    if (type === 'symlink') {
      if (!readlinkSync(fsPath(path), 'buffer').equals(encodeName(entry.linkName))) return 'it leads elsewhere'
    } else if (mode !== entry.mode) return `its mode is ${mode.toString(8)}, and ${entry.mode.toString(8)} in the archive`
    if (Number(stats.uid) !== entry.uid || Number(stats.gid) !== entry.gid) return `its owner is ${stats.uid}:${stats.gid}, and ${entry.uid}:${entry.gid} in the archive`
    if (type === 'file' && Number(stats.size) !== entry.size) return `it has ${stats.size} bytes, and ${entry.size} in the archive`
    if ((type === 'block' || type === 'character') && Number(stats.rdev) !== deviceNumber(entry.deviceMajor, entry.deviceMinor)) return 'it is another device'
    // A step of a build takes its mount points away again after its tar was made, which directories remember.
    if (type !== 'directory' && isLater(entry.mtime) && isLater(stats.mtimeNs) && (entry.mtime - stats.mtimeNs > second || stats.mtimeNs - entry.mtime > second)) return 'its time is another'
    for (const [name, value] of entry.xattrs) {
      const own = name.startsWith('trusted.overlay.') ? undefined : readXattr(this.#kernel, path, name)
      // What a file system has no room for was left out; capabilities every one has.
      if (own === undefined ? name === 'security.capability' : !own.equals(value)) return `its attribute ${name} is another`
    }
    return undefined
  }

  #stat(name: string): BigIntStats | undefined {
    try {
      return lstatSync(fsPath(this.#root.place(name, true).path), { bigint: true, throwIfNoEntry: false })
    } catch {
      return undefined // a parent is gone, or no directory
    }
  }

  /** What was there by that name, and below it, is not what counts any more. */
  #forget(name: string): void {
    for (const known of this.#found.keys()) if (known === name || known.startsWith(`${name}/`)) this.#found.delete(known)
    if (!this.#seen.has(name)) return
    this.#changed.add(name)
    for (const at of this.#links.keys().toArray().toReversed()) if (this.#links[at]!.name.startsWith(`${name}/`)) this.#links.splice(at, 1)
  }
}

function isLater(time: bigint): boolean {
  return time >= comparableTimes.least && time < comparableTimes.most
}

function typeOf(stats: BigIntStats): TarType | 'socket' {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isSocket()) return 'socket'
  return stats.isBlockDevice() ? 'block' : 'character'
}
