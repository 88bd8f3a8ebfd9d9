import { createHash, randomBytes } from 'node:crypto'
import { closeSync, createReadStream, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
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
  readonly #hash = createHash('sha256')
  #descriptor: number | undefined
  #digest: string | undefined
  #size = 0

  constructor(directory: string, blobs: string) {
    this.#path = join(directory, randomBytes(8).toString('hex'))
    this.#blobs = blobs
    this.#descriptor = openSync(this.#path, 'wx', 0o600)
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
      await synced(this.#path)
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
