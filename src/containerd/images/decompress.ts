import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { GantryError } from '../../lib/errors.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

const longestMagic = 6

/** Tells a compression by its first bytes. @throws NotImplemented for one that cannot be read */
export function compressionOf(head: Buffer): Compression {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, at) => head[at] === byte)
  if (starts(0x1f, 0x8b)) return 'gzip'
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  if (starts(0x42, 0x5a, 0x68)) throw new GantryError('NotImplemented', 'bzip2 compression is not implemented yet')
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) throw new GantryError('NotImplemented', 'xz compression is not implemented yet')
  return 'none'
}

/** The plain bytes of a stream that may be compressed. @throws InvalidParameter when the compressed data is broken */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    const head = await readHead(iterator)
    const compression = compressionOf(head)
    const whole = rejoin(head, iterator)
    if (compression === 'none') yield* whole
    else yield* inflate(whole, compression)
  } finally {
    await iterator.return?.()
  }
}

async function readHead(iterator: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let length = 0; length < longestMagic; ) {
    const next = await iterator.next()
    if (next.done) break
    parts.push(next.value)
    length += next.value.length
  }
  return parts.length === 1 ? Buffer.from(parts[0]!.buffer, parts[0]!.byteOffset, parts[0]!.length) : Buffer.concat(parts)
}

async function* rejoin(head: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  if (head.length > 0) yield head
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
}

async function* inflate(source: AsyncIterable<Uint8Array>, compression: 'gzip' | 'zstd'): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { chunkSize: 256 << 10 }
  const inflater = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  // Its failure arrives at the reader below as well: pipeline destroys the inflater with it.
  const feeding = pipeline(Readable.from(source, { objectMode: false }), inflater).catch(() => undefined)
  try {
    for await (const chunk of inflater) yield chunk as Buffer
  } catch (error) {
    const code = String((error as { code?: unknown }).code)
    if (!/^(Z_|ZSTD_|ERR_ZLIB)/.test(code)) throw error
    throw new GantryError('InvalidParameter', `cannot decompress archive: ${(error as Error).message}`, { cause: error })
  } finally {
    await feeding
  }
}
