import { createHash, randomBytes } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { closeSync, createReadStream, existsSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'

/**
 * A blob that is being written. Life: write* -> seal -> (read) -> commit or abort; both may be repeated, abort after
 * commit does nothing, and it can be read after commit.
 * Pieces are written at once, on the calling thread, so that thousands of small ones cost no turn of the event loop each.
 */
export class Ingest {
  #path: string
  #committed = false
  readonly #blobs: string
  #hash: Hash = createHash('sha256')
  #durable = false
  #descriptor: number | undefined
  #digest: string | undefined
  #size = 0

  /** `name`: of a file that an earlier ingest may have left; `resume` reads over what is in it. */
  constructor(directory: string, blobs: string, name?: string) {
    this.#path = join(directory, name ?? randomBytes(8).toString('hex'))
    this.#blobs = blobs
    this.#descriptor = openSync(this.#path, name === undefined ? 'wx' : 'a', 0o600)
  }

  /** Takes in what the file holds already. To be called before the first write. */
  async resume(): Promise<void> {
    for await (const chunk of this.read() as AsyncIterable<Buffer>) {
      this.#hash.update(chunk)
      this.#size += chunk.length
    }
  }

  /** Forgets everything that was written. */
  restart(): void {
    this.#descriptor ??= openSync(this.#path, 'a', 0o600)
    ftruncateSync(this.#descriptor)
    this.#hash = createHash('sha256')
    this.#digest = undefined
    this.#size = 0
    this.#durable = false
  }

  /** Stops writing and keeps the file under its name, for a later ingest to go on with. */
  suspend(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  /** Makes what was written durable ahead of the commit. */
  async sync(): Promise<void> {
    this.seal()
    await synced(this.#path)
    this.#durable = true
  }

  /** Of the file, to be read only. */
  get path(): string {
    return this.#path
  }

  get size(): number {
    return this.#size
  }

  write(chunk: Uint8Array): void {
    if (this.#descriptor === undefined) throw new Error('write to a sealed ingest')
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#descriptor, chunk, at)
    this.#hash.update(chunk)
    this.#size += chunk.length
  }

  /** Takes over what another thread has put into the file at `path`, which has this digest and size. */
  adopt({ digest, size }: { digest: string; size: number }): void {
    this.suspend()
    this.#digest = digest
    this.#size = size
  }

  /** Ends writing. @returns the digest; the blob cannot be seen yet */
  seal(): string {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    return (this.#digest ??= `sha256:${this.#hash.digest('hex')}`)
  }

  read(): Readable {
    return createReadStream(this.#path, { highWaterMark: 256 << 10 })
  }

  /** For small blobs: the caller has looked at `size`. */
  readAll(): Buffer {
    return readFileSync(this.#path)
  }

  /**
   * Makes the blob durable and visible. Idempotent by digest: the store keeps one copy.
   * @throws InvalidParameter when its digest is not `expected`
   */
  async commit(expected?: string): Promise<{ digest: string; size: number }> {
    const digest = this.seal()
    if (expected !== undefined && expected !== digest) {
      throw new GantryError('InvalidParameter', `content digest ${digest} does not match the expected ${expected}`)
    }
    if (this.#committed) return { digest, size: this.#size }
    const target = join(this.#blobs, digest.slice('sha256:'.length))
    if (existsSync(target)) {
      this.abort()
    } else {
      if (!this.#durable) await synced(this.#path)
      await rename(this.#path, target)
      await synced(this.#blobs)
    }
    this.#committed = true
    this.#path = target
    return { digest, size: this.#size }
  }

  abort(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    if (!this.#committed) rmSync(this.#path, { force: true })
  }
}

async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
