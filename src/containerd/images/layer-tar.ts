import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { compressionOf, decompressed, inflateFailure, longestMagic, type Compression } from './decompress.ts'
import { inflateFile, type Inflated } from './compression/inflate-file.ts'
import { lentChunks } from './lent-file.ts'

export interface LayerFile {
  /** Where the file is at the moment: a download moves when another pull commits it. */
  path: string
  /** Of the file as it is, verified. */
  digest: string
}

export interface LayerTarOptions {
  /** Told how many bytes of the file were read. */
  onRead?: (bytes: number) => void
  signal?: AbortSignal
}

/**
 * The uncompressed tar of a layer; its end is an error unless the digest is the diff id. Each chunk is lent until the next is
 * asked for. Can be iterated again.
 */
export class LayerTar implements AsyncIterable<Uint8Array> {
  readonly #file: LayerFile
  readonly #diffId: string
  readonly #at: number
  readonly #options: LayerTarOptions
  /** Bytes of the tar, once it was iterated. */
  size = 0

  constructor(file: LayerFile, { diffId, at }: { diffId: string; at: number }, options: LayerTarOptions = {}) {
    this.#file = file
    this.#diffId = diffId
    this.#at = at
    this.#options = options
  }

  async readThrough(): Promise<void> {
    const iterator = this[Symbol.asyncIterator]()
    while (!(await iterator.next()).done);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { onRead = () => undefined, signal } = this.#options
    const file = openSync(this.#file.path, 'r')
    let digest = ''
    this.size = 0
    try {
      const source = plainSource(file, this.#file.digest, onRead)
      for await (const chunk of source.chunks) {
        if (signal?.aborted) throw new GantryError('System', 'context canceled')
        this.size += chunk.length
        yield chunk
      }
      digest = source.digest()
    } catch (error) {
      throw inflateFailure(error)
    } finally {
      closeSync(file)
    }
    if (digest !== this.#diffId) {
      throw new GantryError('InvalidParameter', `invalid diffID for layer ${this.#at}: expected ${JSON.stringify(this.#diffId)}, got ${JSON.stringify(digest)}`)
    }
  }
}

function plainSource(file: number, digest: string, onRead: (bytes: number) => void): Inflated {
  const compression = compressionOfOpen(file)
  if (compression === 'gzip' || compression === 'zstd') return inflateFile(file, compression, onRead)
  // The digest of a plain file is its diff id.
  if (compression === 'none') return { chunks: counted(lentChunks(file), onRead), digest: () => digest }
  const hash = createHash('sha256')
  const chunks = counted(decompressed(counted(createReadStream('', { fd: file, autoClose: false, start: 0 }), onRead)), () => undefined, (chunk) => hash.update(chunk))
  return { chunks, digest: () => `sha256:${hash.digest('hex')}` }
}

async function* counted(source: AsyncIterable<Uint8Array>, onRead: (bytes: number) => void, look?: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0
  for await (const chunk of source) {
    look?.(chunk)
    onRead((read += chunk.length))
    yield chunk
  }
}

/** Tells it by the first bytes. */
export function compressionOfFile(path: string): Compression {
  const file = openSync(path, 'r')
  try {
    return compressionOfOpen(file)
  } finally {
    closeSync(file)
  }
}

/** Reads at the beginning, and leaves the descriptor where it is. */
function compressionOfOpen(file: number): Compression {
  const head = Buffer.alloc(longestMagic)
  return compressionOf(head.subarray(0, readSync(file, head, 0, head.length, 0)))
}
