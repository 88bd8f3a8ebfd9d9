import { compressLayer } from '../../containerd/distribution/compress-layer.ts'
import { pushManifest } from '../../containerd/distribution/push-manifest.ts'
import type { ImageCore } from '../../containerd/images/image-core.ts'
import { references, type StoredImage, type StoredLayer } from '../../containerd/images/image-database.ts'
import { digestOf, parseImageDocument } from '../../containerd/images/image-document.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { attestationManifest } from './attestation.ts'
import { descriptorOf, documentOf, ociTypes, type OciDocument } from './content.ts'
import { storeImage, type BuiltImage } from './export-image.ts'
import { shown, type PlatformImage } from './image-content.ts'
import { layerBlob, layerType } from './layer-blob.ts'

export interface Stored {
  /** The one first that the names mean here. */
  ids: string[]
  /** What the names stand for, where that is more than one image. */
  index?: Descriptor
}

/**
 * Puts the image of each platform into the store, and for several, or with what is said of them, an index that the names stand for. Until all is
 * there it is pending, so that a kill leaves nothing.
 */
export async function storePlatforms(room: BuildRoom, job: BuildJob, { images, names }: { images: readonly PlatformImage[]; names: readonly string[] }): Promise<Stored> {
  const { core } = room
  const [only] = images
  // What is said is held by names: without one nobody could ask for it.
  const isSaid = names.length > 0 && images.some(({ statements }) => statements.length > 0)
  if (images.length === 1 && !isSaid) return { ids: [(await storeImage(core, only!.built, names)).id] }
  const ready: Ready[] = []
  for (const { built } of images) ready.push(await readyImage(room, job, built))
  const listed = ready.map(({ manifest }, at) => descriptorOf(manifest, { platform: shown(images[at]!.platform) }))
  const said = images.map(({ statements, platform }, at) => (isSaid && statements.length > 0 ? attestationManifest(statements, { digest: ready[at]!.manifest.digest, names, platform }) : undefined))
  const index = documentOf({ schemaVersion: 2, mediaType: ociTypes.index, manifests: [...listed, ...said.flatMap((each) => each?.descriptor ?? [])] }, ociTypes.index)
  const small = said.flatMap((each) => (each === undefined ? [] : [...each.blobs.map(({ bytes }) => bytes), each.manifest.bytes]))
  await core.exclusive(async () => {
    core.database.addPending([...ready.flatMap(({ image }) => references(image)), ...[index.digest, ...small.map(digestOf)].map((key) => ({ kind: 'blob', key }) as const)])
    for (const bytes of [...ready.flatMap((each) => [each.bytes, each.manifest.bytes]), ...small, index.bytes]) await keep(core, bytes)
    for (const [at, { image, bytes }] of ready.entries()) {
      const { manifest, blobs } = said[at] ?? {}
      const attestations = manifest === undefined ? [] : [{ image: image.id, manifest: manifest.digest, blobs: blobs!.map(({ digest }) => digest) }]
      core.database.add(image, bytes, names, { digest: index.digest, mediaType: index.mediaType, attestations })
    }
  })
  const chosen = names.length === 0 ? undefined : core.database.names.get(names[0]!)
  const ids = ready.map(({ image }) => image.id)
  return { ids: chosen === undefined ? ids : [chosen, ...ids.filter((id) => id !== chosen)], index: descriptorOf(index) }
}

interface Ready {
  image: StoredImage
  bytes: Buffer
  manifest: OciDocument
}

/** With layers in the form that registries know: the manifest lists them, and the index the manifest. */
async function readyImage(room: BuildRoom, job: BuildJob, { id, bytes, stack }: BuiltImage): Promise<Ready> {
  const { core } = room
  const known = core.database.images.get(id)
  if (known !== undefined) {
    for (const layer of known.layers) await compressLayer(core, layer)
    const manifest = await pushManifest(core, known)
    return { image: { ...known, manifest: { digest: manifest.digest, mediaType: manifest.mediaType } }, bytes, manifest }
  }
  const layers: StoredLayer[] = []
  const listed: object[] = []
  for (const layer of stack) {
    const packed = await layerBlob(room, job, layer, { kind: 'gzip', force: false })
    if (packed.digest !== layer.blob) {
      job.cleanups.push(core.holds.hold([{ kind: 'blob', key: packed.digest }]))
      core.database.addPending([{ kind: 'blob', key: packed.digest }])
      await core.content.write(packed.open(), packed.digest)
    }
    layers.push({ ...layer, blob: packed.digest })
    listed.push({ mediaType: layerType(ociTypes.layer, packed.kind), digest: packed.digest, size: packed.size })
  }
  const manifest = documentOf({ schemaVersion: 2, mediaType: ociTypes.manifest, config: { mediaType: ociTypes.config, digest: id, size: bytes.length }, layers: listed }, ociTypes.manifest)
  const image = { id, document: parseImageDocument(JSON.parse(bytes.toString())), layers, lastTagged: undefined, manifest: { digest: manifest.digest, mediaType: manifest.mediaType } }
  return { image, bytes, manifest }
}

async function keep({ content }: ImageCore, bytes: Buffer): Promise<void> {
  const blob = content.ingest()
  try {
    blob.write(bytes)
    await blob.commit()
  } finally {
    blob.abort()
  }
}
