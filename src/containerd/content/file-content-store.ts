import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { readFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import type { ContentStore } from './contract.ts'
import { Ingest } from './ingest.ts'

/** A content store that also takes content in pieces, to be kept or dropped later. */
export interface FileContentStore extends ContentStore {
  /** The file of a blob, to be read only. @throws NotFound */
  path(digest: string): string
  /** Opens a nameless blob. It is gone after a restart unless it was committed. */
  ingest(): Ingest
  /**
   * Opens the blob of a digest, with what an earlier download of it has left. It outlives a restart; what nobody went on
   * with for a day is removed when the store is opened. One at a time for each digest.
   */
  resume(digest: string): Promise<Ingest>
}

const partial = 'partial-'
/** Milliseconds. */
const partialLifetime = 24 * 3_600_000

/**
 * Blobs as files: `<root>/blobs/sha256/<hex>` (the layout of an OCI image layout), half-written ones in `<root>/ingest`.
 * Opening removes what an earlier process left half-written, young downloads apart.
 */
export function openContentStore(root: string): FileContentStore {
  const blobs = join(root, 'blobs', 'sha256')
  const ingests = join(root, 'ingest')
  mkdirSync(blobs, { recursive: true, mode: 0o700 })
  mkdirSync(ingests, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(ingests)) {
    const path = join(ingests, name)
    const isYoung = name.startsWith(partial) && Date.now() - statSync(path).mtimeMs < partialLifetime
    if (!isYoung) rmSync(path, { force: true })
  }
  return new Store(blobs, ingests)
}

class Store implements FileContentStore {
  readonly #blobs: string
  readonly #ingests: string

  constructor(blobs: string, ingests: string) {
    this.#blobs = blobs
    this.#ingests = ingests
  }

  has(digest: string): boolean {
    return existsSync(this.#path(digest))
  }

  size(digest: string): number {
    return statSync(this.#existing(digest)).size
  }

  read(digest: string): Readable {
    return createReadStream(this.#existing(digest), { highWaterMark: 256 << 10 })
  }

  path(digest: string): string {
    return this.#existing(digest)
  }

  async readAll(digest: string): Promise<Buffer> {
    return await readFile(this.#existing(digest))
  }

  ingest(): Ingest {
    return new Ingest(this.#ingests, this.#blobs)
  }

  async resume(digest: string): Promise<Ingest> {
    const ingest = new Ingest(this.#ingests, this.#blobs, partial + basename(this.#path(digest)))
    await ingest.resume()
    return ingest
  }

  async write(source: AsyncIterable<Uint8Array>, expected?: string): Promise<{ digest: string; size: number }> {
    if (expected !== undefined) this.#path(expected)
    const ingest = this.ingest()
    try {
      for await (const chunk of source) ingest.write(chunk)
      return await ingest.commit(expected)
    } finally {
      ingest.abort()
    }
  }

  async remove(digest: string): Promise<void> {
    await rm(this.#existing(digest), { force: true })
  }

  async list(): Promise<string[]> {
    return (await readdir(this.#blobs)).map((hex) => `sha256:${hex}`)
  }

  #existing(digest: string): string {
    const path = this.#path(digest)
    if (!existsSync(path)) throw new GantryError('NotFound', `content digest ${digest}: not found`)
    return path
  }

  #path(digest: string): string {
    const match = /^sha256:([a-f0-9]{64})$/.exec(digest)
    if (!match) throw new GantryError('InvalidParameter', `content digest ${JSON.stringify(digest)} is no sha256 digest`)
    return join(this.#blobs, match[1]!)
  }
}
