import { createHash, hash, type Hash } from 'node:crypto'
import type { Pace } from '../../../lib/pace.ts'
import type { TarEntry } from '../../../lib/tar/entry.ts'
import type { Fragment } from '../../../lib/tar/sparse.ts'
import type { TarHandler } from '../../../lib/tar/reader.ts'
import type { ArchiveNode } from './archive-node.ts'
import { ArchiveTree } from './archive-tree.ts'
import { giveMembers } from './give-members.ts'
import type { Spool } from './spool.ts'

/** Bytes of content; what is larger is not written twice. */
const mostSpooled = 256 << 20

/** Takes in the members of an archive without making files of them, or hands all of it on to who does. */
export class ArchiveReceiver implements TarHandler {
  readonly tree = new ArchiveTree()
  readonly spool: Spool
  readonly #unpack: () => TarHandler
  /** Whoever else unpacks it. */
  #other: TarHandler | undefined
  /** What that will be told of next. */
  #queue: ((other: TarHandler) => void)[] | undefined
  #node: ArchiveNode | undefined
  #expected = 0
  #hash: Hash | undefined

  /** @param unpack asked for when the archive is large, or holds something that has to be unpacked to be known */
  constructor(spool: Spool, unpack: () => TarHandler) {
    this.spool = spool
    this.#unpack = unpack
  }

  /** Somebody else unpacks it. */
  get isHandedOn(): boolean {
    return this.#other !== undefined
  }

  /** To be called after each push. @returns undefined when there is nothing to wait for */
  handOn(pace: Pace): Promise<void> | undefined {
    return this.#queue === undefined ? undefined : this.#handOn(pace)
  }

  entry(entry: TarEntry, fragments: readonly Fragment[] | undefined): void {
    if (this.#passOn((other) => other.entry(entry, fragments))) return
    const added = this.spool.size + entry.size <= mostSpooled && this.tree.add(entry, this.spool.size)
    this.#node = typeof added === 'object' ? added : undefined
    this.#expected = entry.size
    if (added === false) this.#queue = [(other) => other.entry(entry, fragments)]
  }

  data(chunk: Buffer, offset: number): void {
    if (this.#other !== undefined) return this.#other.data(chunk, offset)
    if (this.#queue !== undefined) {
      const own = Buffer.from(chunk)
      this.#queue.push((other) => other.data(own, offset))
      return
    }
    this.#node!.length += chunk.length
    this.spool.append(chunk)
    this.#add(chunk)
  }

  end(): void {
    if (this.#passOn((other) => other.end()) || this.#node === undefined) return
    this.#node.digest ||= this.#hash?.digest('hex') ?? hash('sha256', '', 'hex')
    this.#node = undefined
    this.#hash = undefined
  }

  #passOn(tell: (other: TarHandler) => void): boolean {
    if (this.#other !== undefined) tell(this.#other)
    else if (this.#queue !== undefined) this.#queue.push(tell)
    else return false
    return true
  }

  async #handOn(pace: Pace): Promise<void> {
    const other = this.#unpack()
    await giveMembers(this.tree, this.spool, { handler: other, pace })
    for (const tell of this.#queue!) tell(other)
    this.#queue = undefined
    this.#other = other
  }

  /** What comes in one piece is hashed at once. */
  #add(chunk: Buffer): void {
    const node = this.#node!
    if (this.#hash === undefined && chunk.length === this.#expected) node.digest = hash('sha256', chunk, 'hex')
    else (this.#hash ??= createHash('sha256')).update(chunk)
  }
}
