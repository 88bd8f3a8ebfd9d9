import { blockSize, type TarEntry } from './entry.ts'
import { TarReader } from './reader.ts'
import type { Fragment } from './sparse.ts'
import { encodeHeader } from './writer.ts'

/** Copies the members of an archive that `keep` likes, sparse files with their holes. */
export class TarFilter {
  readonly #keep: (entry: TarEntry) => boolean
  readonly #change: (entry: TarEntry) => TarEntry
  readonly #pieces: Buffer[] = []
  #copying = false
  #stored = 0
  /** Members that were kept. */
  members = 0

  /** @param change what a member that is kept is written as; its size stays */
  constructor(keep: (entry: TarEntry) => boolean, change: (entry: TarEntry) => TarEntry = (entry) => entry) {
    this.#keep = keep
    this.#change = change
  }

  /** @throws InvalidParameter for a malformed archive */
  async *copy(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
    const reader = new TarReader({
      entry: (entry, fragments) => this.#entry(entry, fragments),
      data: (chunk) => this.#data(chunk),
      end: () => this.#end(),
    })
    for await (const chunk of source) {
      reader.push(chunk)
      yield* this.#pieces.splice(0)
    }
    reader.finish()
    yield* this.#pieces.splice(0)
    yield Buffer.alloc(2 * blockSize)
  }

  #entry(entry: TarEntry, fragments: readonly Fragment[] | undefined): void {
    this.#copying = this.#keep(entry)
    if (!this.#copying) return
    this.members++
    this.#stored = 0
    this.#pieces.push(encodeHeader(this.#change(entry), fragments))
  }

  /** The chunk is only lent. */
  #data(chunk: Buffer): void {
    if (!this.#copying) return
    this.#pieces.push(Buffer.from(chunk))
    this.#stored += chunk.length
  }

  #end(): void {
    const rest = this.#stored % blockSize
    if (this.#copying && rest > 0) this.#pieces.push(Buffer.alloc(blockSize - rest))
  }
}
