import { closeSync, constants, fstatSync, openSync, readSync, readlinkSync, type BigIntStats } from 'node:fs'
import { O_PATH } from '../../../kernel/constants/files.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { blockSize as tarBlock, tarEntry } from '../../../lib/tar/entry.ts'
import { decodeName, fsPath } from '../../../lib/tar/member-name.ts'
import { nodeDevice, nodeOwnership, nodeType } from '../../../lib/tar/node-fields.ts'
import type { Fragment } from '../../../lib/tar/sparse.ts'
import type { TarMember } from '../../../lib/tar/writer.ts'
import { readXattrs } from './xattrs.ts'

const pieceSize = 256 << 10
/** The original engine takes sparse members, but cannot save a layer that has some: fewer bytes of holes are written as zeros. */
const worthwhileHoles = 64n << 20n
/** Of st_blocks. */
const statBlock = 512n
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

/** A node of a tree that others may write to. */
export interface SeenNode {
  /** Of the member: "a/b"; directories get a slash at the end. */
  path: string
  /** Leads to the node itself through the descriptor of its directory. */
  place: string
  stats: BigIntStats
}

/**
 * Makes nodes of a tree members of one archive, each to be written before the next is asked for. A file is open from the look at its
 * size until then, so that one that is replaced meanwhile is the old one or the new one.
 */
export class NodePacker {
  readonly #kernel: Pick<Kernel, 'syscall'>
  /** Inodes with several names, and the name that was first. */
  readonly #linked = new Map<string, string>()
  #file: number | undefined

  constructor(kernel: Pick<Kernel, 'syscall'>) {
    this.#kernel = kernel
  }

  /** @returns undefined for a socket, and for what a running container has removed meanwhile */
  member(node: SeenNode): TarMember | undefined {
    this.close()
    try {
      return this.#member(node)
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined
      throw error
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #member({ path, place, stats }: SeenNode): TarMember | undefined {
    const type = nodeType(stats)
    if (type === undefined) return undefined
    const first = type === 'directory' ? undefined : this.#firstName(path, stats)
    if (first !== undefined) return { entry: tarEntry({ ...nodeOwnership(stats), name: path, type: 'link', linkName: first }) }
    if (type === 'file') return this.#regular(path, place)
    const entry = { ...nodeOwnership(stats), type, xattrs: readXattrs(this.#kernel, place) }
    if (type === 'directory') return { entry: tarEntry({ ...entry, name: `${path}/` }) }
    if (type === 'symlink') return { entry: tarEntry({ ...entry, name: path, linkName: decodeName(readlinkSync(fsPath(place), { encoding: 'buffer' })) }) }
    return { entry: tarEntry({ ...entry, name: path, ...nodeDevice(stats) }) }
  }

  #firstName(path: string, { dev, ino, nlink }: BigIntStats): string | undefined {
    if (nlink <= 1n) return undefined
    const inode = `${dev}:${ino}`
    const first = this.#linked.get(inode)
    if (first === undefined) this.#linked.set(inode, path)
    return first
  }

  #regular(path: string, place: string): TarMember | undefined {
    const file = openRegular(place)
    if (file === undefined) return undefined
    this.#file = file
    const stats = fstatSync(file, { bigint: true })
    const entry = tarEntry({ ...nodeOwnership(stats), name: path, size: Number(stats.size), xattrs: readXattrs(this.#kernel, place) })
    const fragments = stats.size - stats.blocks * statBlock >= worthwhileHoles ? dataOf(this.#kernel, file, entry.size) : undefined
    if (fragments === undefined) return { entry, content: content(file, [{ offset: 0, length: entry.size }]) }
    return { entry: { ...entry, sparse: true }, fragments, content: content(file, fragments) }
  }
}

const mostFragments = 10_000

/** Where a file with holes has data (lseek(2), SEEK_DATA); undefined when it is not worth a map. */
function dataOf(kernel: Pick<Kernel, 'syscall'>, file: number, size: number): Fragment[] | undefined {
  const [SEEK_DATA, SEEK_HOLE, ENXIO] = [3, 4, 6]
  const fragments: Fragment[] = []
  for (let at = 0; at < size; ) {
    const start = kernel.syscall(nr('lseek'), file, at, SEEK_DATA)
    if (start === -ENXIO || start >= size) break
    const end = start < 0 ? start : kernel.syscall(nr('lseek'), file, start, SEEK_HOLE)
    if (end < 0 || fragments.length === mostFragments) return undefined
    // GNU tar reads each fragment as whole blocks.
    const offset = start - (start % tarBlock)
    at = Math.min(Math.ceil(end / tarBlock) * tarBlock, size)
    fragments.push({ offset, length: at - offset })
  }
  return fragments[0]?.length === size ? undefined : fragments
}

/** As many bytes as were found: a file that a running container cuts short meanwhile is filled with zeros. */
function* content(file: number, fragments: readonly Fragment[]): Generator<Buffer, void, undefined> {
  for (const { offset, length } of fragments) {
    for (let done = 0; done < length; ) {
      const piece = Buffer.alloc(Math.min(pieceSize, length - done))
      const read = readSync(file, piece, 0, piece.length, offset + done)
      done += read === 0 ? piece.length : read
      yield read === 0 ? piece : piece.subarray(0, read)
    }
  }
}

/** undefined when a container put something else in its place meanwhile: to open a device is an act already. */
function openRegular(place: string): number | undefined {
  const node = openSync(fsPath(place), constants.O_NOFOLLOW | O_PATH)
  try {
    return fstatSync(node).isFile() ? openSync(`/proc/self/fd/${node}`, readFlags) : undefined
  } finally {
    closeSync(node)
  }
}
