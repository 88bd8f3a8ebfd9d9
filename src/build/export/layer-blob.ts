import { createGzip, createZstdCompress, constants } from 'node:zlib'
import { Readable } from 'node:stream'
import { compressFile } from '../../containerd/images/compression/compress-file.ts'
import { decompressed } from '../../containerd/images/decompress.ts'
import type { StoredLayer } from '../../containerd/images/image-database.ts'
import { compressionOfFile } from '../../containerd/images/layer-tar.ts'
import { GantryError } from '../../lib/errors.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import type { OciBlob } from './content.ts'

type Kind = 'none' | 'gzip' | 'zstd'

/** How layers are to be packed. */
export interface Packing {
  kind: Kind
  level?: number
  /** Layers that are packed otherwise already are packed anew. */
  force: boolean
}

export type LayerBlob = OciBlob & { kind: Kind; diffId: string }

/** `compression`, `compression-level` and `force-compression` of an exporter. @throws InvalidParameter, NotImplemented */
export function readPacking(attributes: Readonly<Record<string, string>>): Packing {
  const { compression = '', 'compression-level': level } = attributes
  const kind = ({ '': 'gzip', gzip: 'gzip', zstd: 'zstd', uncompressed: 'none' } as const)[compression]
  if (compression === 'estargz') throw new GantryError('NotImplemented', 'compression type estargz is not supported')
  if (kind === undefined) throw new GantryError('InvalidParameter', `unsupported compression type ${compression}`)
  if (level !== undefined && !/^-?\d+$/.test(level)) throw new GantryError('InvalidParameter', `non-integer value ${level} specified for compression-level`)
  return { kind, force: /^(1|t|true)$/i.test(attributes['force-compression'] ?? ''), ...(level !== undefined && { level: Number(level) }) }
}

/** A layer as it is to be given away. What had to be packed for that is a nameless file that goes with the build. */
export async function layerBlob({ core }: BuildRoom, job: BuildJob, layer: StoredLayer, { kind, level, force }: Packing): Promise<LayerBlob> {
  const { content } = core
  const { blob, diffId } = layer
  const as = compressionOfFile(content.path(blob))
  const isKnown = as === 'gzip' || as === 'zstd'
  if (as === kind || (isKnown && !force)) {
    return { digest: blob, size: content.size(blob), kind: as as Kind, diffId, open: () => content.read(blob) }
  }
  const packed = content.ingest()
  job.cleanups.push(() => packed.abort())
  if (kind === 'gzip' && level === undefined && as === 'none') {
    packed.adopt(await compressFile(content.path(blob), packed.path))
  } else {
    for await (const chunk of pack(decompressed(content.read(blob)), kind, level)) {
      job.signal.throwIfAborted()
      packed.write(chunk)
    }
  }
  return { digest: packed.seal(), size: packed.size, kind, diffId, open: () => packed.read() }
}

function pack(plain: AsyncIterable<Uint8Array>, kind: Kind, level: number | undefined): AsyncIterable<Uint8Array> {
  if (kind === 'none') return plain
  const source = Readable.from(plain, { objectMode: false })
  const packer = kind === 'gzip' ? createGzip(level === undefined ? {} : { level }) : createZstdCompress(level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } })
  source.once('error', (error) => packer.destroy(error))
  return source.pipe(packer)
}

export function layerType(base: string, kind: Kind): string {
  if (kind === 'none') return base
  // Docker's family has no name for zstd: its own suffix is what readers know.
  return base.endsWith('.diff.tar') ? `${base}.${kind}` : `${base}+${kind}`
}
