import { compressFile } from '../images/compression/compress-file.ts'
import { decompressed } from '../images/decompress.ts'
import { sweep, type ImageCore } from '../images/image-core.ts'
import type { StoredLayer } from '../images/image-database.ts'
import { compressionOfFile } from '../images/layer-tar.ts'

/** Compressions that are under way, by store and blob: two pushes of one layer share the work. */
const running = new WeakMap<ImageCore, Map<string, Promise<void>>>()

/**
 * Sees to it that a layer's blob is compressed in a way that registries know, once and for all: the compressed blob takes the
 * other one's place, so that every push of the layer has the same digest.
 */
export async function compressLayer(core: ImageCore, layer: StoredLayer): Promise<void> {
  const compression = compressionOfFile(core.content.path(layer.blob))
  // A layer that came as bzip2 or xz has no media type to go by.
  if (compression === 'gzip' || compression === 'zstd') return
  const old = layer.blob
  const work = running.get(core) ?? new Map<string, Promise<void>>()
  running.set(core, work)
  const own = work.get(old) ?? compress(core, old, compression === 'none').finally(() => work.delete(old))
  work.set(old, own)
  await own
}

async function compress(core: ImageCore, old: string, isPlain: boolean): Promise<void> {
  const ingest = core.content.ingest()
  const plain = isPlain ? undefined : core.content.ingest()
  try {
    if (plain) for await (const chunk of decompressed(core.content.read(old))) plain.write(chunk)
    ingest.adopt(await compressFile(plain?.path ?? core.content.path(old), ingest.path))
    await ingest.sync()
    const blob = ingest.seal()
    await core.exclusive(async () => {
      core.database.addPending([{ kind: 'blob', key: blob }])
      await ingest.commit()
      core.database.replaceBlob(old, blob)
      await sweep(core)
    })
  } finally {
    ingest.abort()
    plain?.abort()
  }
}
