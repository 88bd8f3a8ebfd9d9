import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { FilterFailure, throughTool } from '../../kernel/filter-tool.ts'
import { GantryError } from '../../lib/errors.ts'

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** Node has no decoder for these: they go through the host's tool, as Docker does it for xz. */
const tools = { bzip2: ['bzip2', '-d', '-c', '-q'], xz: ['xz', '-d', '-c', '-q', '--memlimit-decompress=256MiB'] } as const

/** Bytes that tell a compression. */
export const longestMagic = 6

/** Tells a compression by its first bytes. */
export function compressionOf(head: Buffer): Compression {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, at) => head[at] === byte)
  if (starts(0x1f, 0x8b)) return 'gzip'
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  if (starts(0x42, 0x5a, 0x68)) return 'bzip2'
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz'
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
    else if (compression === 'bzip2' || compression === 'xz') yield* byTool(whole, compression)
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

async function* byTool(source: AsyncIterable<Uint8Array>, compression: 'bzip2' | 'xz'): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* throughTool(tools[compression], Readable.from(source, { objectMode: false }))
  } catch (error) {
    if (!(error instanceof FilterFailure)) throw error
    if (error.missing) throw new GantryError('NotImplemented', `cannot decompress archive: ${tools[compression][0]} is not installed on this host`, { cause: error })
    throw new GantryError('InvalidParameter', `cannot decompress archive: ${error.message}`, { cause: error })
  }
}

async function* inflate(source: AsyncIterable<Uint8Array>, compression: 'gzip' | 'zstd'): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { chunkSize: 256 << 10 }
  const inflater = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  // Its failure arrives at the reader below as well: pipeline destroys the inflater with it.
  const feeding = pipeline(Readable.from(source, { objectMode: false }), inflater).catch(() => undefined)
  try {
    for await (const chunk of inflater) yield chunk as Buffer
  } catch (error) {
    throw inflateFailure(error)
  } finally {
    await feeding
  }
}

/** zlib's word for broken data as an error of the sender's; other errors as they are. */
export function inflateFailure(error: unknown): unknown {
  const code = String((error as { code?: unknown }).code)
  if (!/^(Z_|ZSTD_|ERR_ZLIB)/.test(code)) return error
  return new GantryError('InvalidParameter', `cannot decompress archive: ${(error as Error).message}`, { cause: error })
}
