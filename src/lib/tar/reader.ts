import { spent } from '../spent-bytes.ts'
import { blockSize, type TarEntry } from './entry.ts'
import { decodeHeader, isZero, type RawHeader } from './header.ts'
import { decodeName } from './member-name.ts'
import { applyPax } from './pax-overrides.ts'
import { parsePax, type PaxRecords } from './pax.ts'
import { checkFragments, gnuFragments, paxFragments, SparseMapText, type Fragment } from './sparse.ts'
import { badTar } from './tar-failure.ts'

/** Gets the members of an archive, in order: entry, data (any number of times), end; all called synchronously. */
export interface TarHandler {
  /** `fragments`: where a sparse file has data. */
  entry(entry: TarEntry, fragments?: readonly Fragment[]): void
  /** Bytes of the current file at `offset`; the buffer is only lent. Holes of sparse files are skipped. */
  data(chunk: Buffer, offset: number): void
  end(): void
}

export interface TarLimits {
  /** Bytes of one member's extended header or long name. */
  header?: number
  /** Bytes after the end of the archive; writers pad to their record size. */
  trailer?: number
  members?: number
}

/**
 * Reads a tar archive that is pushed in pieces of any size. Every error is InvalidParameter "cannot read tar archive: …".
 * Global extended headers are read over, as Docker does.
 */
export class TarReader {
  readonly #handler: TarHandler
  readonly #limits: Required<TarLimits>
  #partial = Buffer.alloc(0)
  /** Bytes that `#next` wants in one piece. */
  #wanted = blockSize
  #next: (bytes: Buffer) => void = (block) => this.#header(block)
  #fragments: Fragment[] = []
  #fragment = 0
  #done = 0
  #padding = 0
  #skip = 0
  #trailer = 0
  #members = 0
  #state: 'collect' | 'data' | 'skip' | 'end' = 'collect'
  #longName: string | undefined
  #longLink: string | undefined
  #pax: PaxRecords = []
  #idle = true

  constructor(handler: TarHandler, limits: TarLimits = {}) {
    this.#handler = handler
    this.#limits = { header: 1 << 20, trailer: 16 << 20, members: 10_000_000, ...limits }
  }

  push(input: Uint8Array): void {
    const chunk = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
    let at = 0
    while (at < chunk.length) {
      if (this.#state === 'collect') at = this.#collect(chunk, at)
      else if (this.#state === 'data') at = this.#data(chunk, at)
      else if (this.#state === 'skip') at = this.#skipOver(chunk, at)
      else at = this.#trail(chunk, at)
    }
  }

  /** The input has ended. An archive may lack its two final zero blocks, but no part of a member. */
  finish(): void {
    if (this.#state === 'end') return
    if (!this.#idle || this.#partial.length > 0) throw badTar('it is truncated')
  }

  #collect(chunk: Buffer, at: number): number {
    const missing = this.#wanted - this.#partial.length
    const taken = Math.min(missing, chunk.length - at)
    const piece = chunk.subarray(at, at + taken)
    if (taken < missing) {
      this.#partial = Buffer.concat([this.#partial, piece])
    } else {
      const whole = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece])
      this.#partial = Buffer.alloc(0)
      this.#next(whole)
    }
    return at + taken
  }

  #data(chunk: Buffer, at: number): number {
    const fragment = this.#fragments[this.#fragment]!
    const taken = Math.min(fragment.length - this.#done, chunk.length - at)
    this.#handler.data(chunk.subarray(at, at + taken), fragment.offset + this.#done)
    this.#done += taken
    if (this.#done === fragment.length) {
      this.#fragment++
      this.#done = 0
      if (this.#fragment === this.#fragments.length) this.#endMember()
    }
    return at + taken
  }

  #skipOver(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#skip, chunk.length - at)
    this.#skip -= taken
    if (this.#skip === 0) this.#state = 'collect'
    return at + taken
  }

  #trail(chunk: Buffer, at: number): number {
    this.#trailer += chunk.length - at
    if (this.#trailer > this.#limits.trailer) throw badTar(`more than ${this.#limits.trailer} bytes follow its end`)
    return chunk.length
  }

  #expectHeader(): void {
    this.#expectBlock((block) => this.#header(block))
  }

  #expectBlock(next: (bytes: Buffer) => void): void {
    this.#expect(blockSize, next)
  }

  #expect(bytes: number, next: (bytes: Buffer) => void): void {
    this.#wanted = bytes
    this.#next = next
    this.#state = 'collect'
  }

  #header(block: Buffer): void {
    if (isZero(block)) {
      this.#expectBlock((second) => {
        if (!isZero(second)) throw badTar('a lone zero block is followed by more')
        this.#state = 'end'
      })
      return
    }
    this.#idle = false
    const header = decodeHeader(block)
    if (++this.#members > this.#limits.members) throw badTar(`it has more than ${this.#limits.members} members`)
    switch (header.flag) {
      case 'x':
        return this.#meta(header, (data) => (this.#pax = parsePax(data)))
      case 'L':
        return this.#meta(header, (data) => (this.#longName = untilNul(data)))
      case 'K':
        return this.#meta(header, (data) => (this.#longLink = untilNul(data)))
      case 'g':
      case 'V':
        return this.#over(header.size)
      default:
        return this.#member(header, block)
    }
  }

  #meta(header: RawHeader, take: (data: Buffer) => void): void {
    if (header.size > this.#limits.header) throw badTar(`an extended header of ${header.size} bytes is too long`)
    if (header.size === 0) return this.#expectHeader()
    this.#expect(padded(header.size), (data) => {
      take(data.subarray(0, header.size))
      this.#expectHeader()
    })
  }

  /** Reads over a member that is of no interest. */
  #over(size: number): void {
    this.#reset()
    this.#skip = padded(size)
    if (this.#skip > 0) this.#state = 'skip'
  }

  #member(header: RawHeader, block: Buffer): void {
    if (this.#longName !== undefined) header.name = this.#longName
    if (this.#longLink !== undefined) header.linkName = this.#longLink
    const overrides = applyPax(header, this.#pax)
    if (header.type === undefined) throw badTar(`member type ${JSON.stringify(header.flag)} is not supported`)
    if (header.type !== 'file') {
      this.#start(header, 0, [])
    } else if (header.flag === 'S') {
      this.#oldSparse(header, block)
    } else if (overrides.sparseFormat === '1.0') {
      this.#newSparse(header, overrides.realSize ?? header.size)
    } else {
      const fragments = paxFragments(this.#pax)
      const size = fragments === undefined ? header.size : (overrides.realSize ?? header.size)
      this.#start(header, size, fragments)
    }
  }

  #oldSparse(header: RawHeader, block: Buffer): void {
    const first = gnuFragments(block, 'header')
    const fragments = first.fragments
    const extension = (bytes: Buffer): void => {
      const more = gnuFragments(bytes, 'extension')
      fragments.push(...more.fragments)
      if (fragments.length > 100_000) throw badTar('a sparse map is too long')
      if (!more.extended) this.#start(header, header.realSize, fragments)
    }
    if (first.extended) this.#expectBlock(extension)
    else this.#start(header, header.realSize, fragments)
  }

  #newSparse(header: RawHeader, size: number): void {
    const map = new SparseMapText()
    const take = (bytes: Buffer): void => {
      const fragments = map.add(bytes)
      if (map.bytes > header.size) throw badTar('a sparse map is longer than its member')
      if (fragments === undefined) return
      header.size -= map.bytes
      this.#start(header, size, fragments)
    }
    this.#expectBlock(take)
  }

  #start(header: RawHeader, size: number, fragments: Fragment[] | undefined): void {
    const stored = header.type === 'file' ? header.size : 0
    this.#fragments = checkFragments(fragments ?? [{ offset: 0, length: stored }], stored, size)
    this.#padding = padded(stored) - stored
    const sparse = fragments !== undefined && header.type === 'file'
    const entry: TarEntry = {
      name: header.name,
      type: header.type!,
      mode: header.mode & 0o7777,
      uid: header.uid,
      gid: header.gid,
      userName: header.userName,
      groupName: header.groupName,
      size,
      mtime: header.mtime,
      linkName: header.linkName,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: header.xattrs,
      sparse,
    }
    this.#handler.entry(entry, sparse ? this.#fragments : undefined)
    this.#fragment = 0
    this.#done = 0
    if (this.#fragments.length === 0) this.#endMember()
    else this.#state = 'data'
  }

  #endMember(): void {
    this.#handler.end()
    this.#reset()
    this.#skip = this.#padding
    if (this.#skip > 0) this.#state = 'skip'
  }

  #reset(): void {
    this.#longName = undefined
    this.#longLink = undefined
    this.#pax = []
    this.#idle = true
    this.#expectHeader()
  }
}

/** Reads a whole archive. */
export async function readTar(source: AsyncIterable<Uint8Array>, handler: TarHandler, limits?: TarLimits): Promise<void> {
  const reader = new TarReader(handler, limits)
  for await (const chunk of source) {
    reader.push(chunk)
    spent(chunk.length)
  }
  reader.finish()
}

function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}

function untilNul(data: Buffer): string {
  const nul = data.indexOf(0)
  return decodeName(nul === -1 ? data : data.subarray(0, nul))
}
