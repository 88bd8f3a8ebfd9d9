import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import path from 'node:path'

/** Bytes that never see a disk. */
const mostInMemory = 4 << 20
const windowSize = 512 << 10

/**
 * The contents of files, one after the other as they came: in memory, and from a few megabytes on in a file that has no name, so that
 * nothing is left of it whatever happens.
 */
export class Spool {
  readonly #parent: string
  #file: number | undefined
  /** What is not in the file yet. */
  #memory = Buffer.allocUnsafeSlow(64 << 10)
  #held = 0
  #written = 0
  /** Piece of the file that was read last: files are read in the order that they came in, or nearly so. */
  #window = Buffer.alloc(0)
  #windowAt = 0

  constructor(parent: string) {
    this.#parent = parent
  }

  get size(): number {
    return this.#written + this.#held
  }

  append(chunk: Buffer): void {
    if (this.#held + chunk.length > this.#memory.length) this.#makeRoom(chunk.length)
    if (chunk.length > this.#memory.length) return this.#write(chunk)
    chunk.copy(this.#memory, this.#held)
    this.#held += chunk.length
  }

  /** Lent until the next call. @param length not more than one file has */
  read(at: number, length: number): Buffer {
    if (at >= this.#written) return this.#memory.subarray(at - this.#written, at - this.#written + length)
    if (at + length > this.#written) this.#flush()
    if (at >= this.#windowAt && at + length <= this.#windowAt + this.#window.length) return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + length)
    const wanted = Buffer.allocUnsafe(Math.max(length, Math.min(windowSize, this.#written - at)))
    for (let done = 0; done < wanted.length; ) {
      const read = readSync(this.#file!, wanted, done, wanted.length - done, at + done)
      if (read === 0) throw new Error('the spool of a context is too short')
      done += read
    }
    this.#window = wanted
    this.#windowAt = at
    return wanted.subarray(0, length)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #makeRoom(more: number): void {
    const wanted = this.#held + more
    if (this.#file === undefined && wanted <= mostInMemory) {
      const larger = Buffer.allocUnsafeSlow(Math.min(mostInMemory, Math.max(wanted, this.#memory.length * 4)))
      this.#memory.copy(larger, 0, 0, this.#held)
      this.#memory = larger
      return
    }
    this.#flush()
    if (this.#memory.length > windowSize) this.#memory = Buffer.allocUnsafeSlow(windowSize)
  }

  #flush(): void {
    this.#write(this.#memory.subarray(0, this.#held))
    this.#held = 0
  }

  #write(bytes: Buffer): void {
    this.#file ??= nameless(this.#parent)
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done, bytes.length - done, this.#written + done)
    this.#written += bytes.length
  }
}

function nameless(parent: string): number {
  const place = path.join(parent, randomUUID())
  const file = openSync(place, 'wx+', 0o600)
  unlinkSync(place)
  return file
}
