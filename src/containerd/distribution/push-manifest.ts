import type { ImageCore } from '../images/image-core.ts'
import type { StoredImage, StoredLayer } from '../images/image-database.ts'
import { digestOf } from '../images/image-document.ts'
import { compressionOfFile } from '../images/layer-tar.ts'
import { mediaTypes, parseManifest } from './manifest.ts'

export interface Manifest {
  bytes: Buffer
  digest: string
  mediaType: string
}

const layerTypes = {
  docker: { gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip', none: 'application/vnd.docker.image.rootfs.diff.tar' },
  oci: {
    gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
    none: 'application/vnd.oci.image.layer.v1.tar',
    zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  },
} as const

/**
 * The manifest to push: the one that was pulled if its layers are still the ones we have, else one that is made of them and
 * always the same, in Docker's form. Docker has no type for zstd, so such layers make it an OCI manifest.
 */
export async function pushManifest(core: ImageCore, image: StoredImage): Promise<Manifest> {
  return (await keptManifest(core, image)) ?? madeManifest(core, image)
}

/** Undefined when there is none, or it is of other forms of the layers than we have. */
export async function keptManifest(core: ImageCore, { manifest, layers }: StoredImage): Promise<Manifest | undefined> {
  if (manifest === undefined || !core.content.has(manifest.digest)) return undefined
  const bytes = await core.content.readAll(manifest.digest)
  const parsed = parseManifest(bytes, manifest.mediaType, manifest.digest)
  const isOurs = parsed.kind === 'image' && parsed.layers.every(({ digest }, at) => layers[at]?.blob === digest)
  return isOurs ? { bytes, ...manifest } : undefined
}

function madeManifest(core: ImageCore, image: StoredImage): Manifest {
  const compressions = image.layers.map(({ blob }) => compressionOfBlob(core, blob))
  const isOci = compressions.includes('zstd')
  const mediaType = isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest
  const descriptor = (type: string, digest: string): object => ({ mediaType: type, size: core.content.size(digest), digest })
  const layers = image.layers.map(({ blob }: StoredLayer, at) => {
    const compression = compressions[at] ?? 'gzip'
    return descriptor(compression === 'zstd' || isOci ? layerTypes.oci[compression] : layerTypes.docker[compression], blob)
  })
  const config = descriptor(isOci ? mediaTypes.ociConfig : mediaTypes.dockerConfig, image.id)
  // Three blanks, as Docker indents: for the same blobs the digest is Docker's.
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }, null, 3))
  return { bytes, digest: digestOf(bytes), mediaType }
}

function compressionOfBlob(core: ImageCore, blob: string): 'none' | 'gzip' | 'zstd' {
  const compression = compressionOfFile(core.content.path(blob))
  // Those have no media type, and were compressed anew before the push.
  return compression === 'bzip2' || compression === 'xz' ? 'none' : compression
}
