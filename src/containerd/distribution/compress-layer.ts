import { createGzip } from 'node:zlib'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { compressionOf, type Compression } from '../images/decompress.ts'
import { sweep, type ImageCore } from '../images/image-core.ts'
import type { StoredLayer } from '../images/image-database.ts'

/** Nearly twice as fast as zlib's usual 6, for blobs that are a fifteenth larger. */
const level = 4

/** Compressions that are under way, by store and blob: two pushes of one layer share the work. */
const running = new WeakMap<ImageCore, Map<string, Promise<void>>>()

/**
 * Sees to it that a layer's blob is compressed, once and for all: the compressed blob takes the plain one's place, so that
 * every push of the layer has the same digest. @returns how the blob is compressed
 */
export async function compressLayer(core: ImageCore, layer: StoredLayer): Promise<Compression> {
  const compression = await compressionOfBlob(core, layer.blob)
  if (compression !== 'none') return compression
  const plain = layer.blob
  const work = running.get(core) ?? new Map<string, Promise<void>>()
  running.set(core, work)
  const own = work.get(plain) ?? compress(core, plain).finally(() => work.delete(plain))
  work.set(plain, own)
  await own
  return 'gzip'
}

async function compress(core: ImageCore, plain: string): Promise<void> {
  const ingest = core.content.ingest()
  try {
    const gzip = createGzip({ level, chunkSize: 256 << 10 })
    await pipeline(core.content.read(plain), gzip, async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) ingest.write(chunk)
    })
    const blob = ingest.seal()
    await core.exclusive(async () => {
      core.database.addPending([{ kind: 'blob', key: blob }])
      await ingest.commit()
      core.database.replaceBlob(plain, blob)
      await sweep(core)
    })
  } finally {
    ingest.abort()
  }
}

async function compressionOfBlob(core: ImageCore, blob: string): Promise<Compression> {
  const stream: Readable = core.content.read(blob)
  for await (const chunk of stream) return compressionOf(chunk as Buffer)
  return 'none'
}
