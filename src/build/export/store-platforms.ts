import { compressLayer } from '../../containerd/distribution/compress-layer.ts'
import { pushManifest } from '../../containerd/distribution/push-manifest.ts'
import type { ImageCore } from '../../containerd/images/image-core.ts'
import { references, type StoredImage, type StoredLayer } from '../../containerd/images/image-database.ts'
import { parseImageDocument } from '../../containerd/images/image-document.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { descriptorOf, documentOf, ociTypes, type OciDocument } from './content.ts'
import { storeImage, type BuiltImage } from './export-image.ts'
import type { PlatformImage } from './image-content.ts'
import { layerBlob, layerType } from './layer-blob.ts'

/**
 * Puts the image of each platform into the store, and for several an index that the names stand for. Until all is there it is pending, so that
 * a kill leaves nothing. @returns their ids, the one first that the names mean here
 */
export async function storePlatforms(room: BuildRoom, job: BuildJob, { images, names }: { images: readonly PlatformImage[]; names: readonly string[] }): Promise<string[]> {
  const { core } = room
  const [only] = images
  if (images.length === 1) return [(await storeImage(core, only!.built, names)).id]
  const ready: Ready[] = []
  for (const { built } of images) ready.push(await readyImage(room, job, built))
  const listed = ready.map(({ manifest }, at) => {
    const { os, architecture, variant } = images[at]!.platform
    return descriptorOf(manifest, { platform: { architecture, os, ...(variant !== undefined && { variant }) } })
  })
  const index = documentOf({ schemaVersion: 2, mediaType: ociTypes.index, manifests: listed }, ociTypes.index)
  await core.exclusive(async () => {
    core.database.addPending([...ready.flatMap(({ image }) => references(image)), { kind: 'blob', key: index.digest }])
    for (const { bytes, manifest } of ready) {
      await keep(core, bytes)
      await keep(core, manifest.bytes)
    }
    await keep(core, index.bytes)
    for (const { image, bytes } of ready) core.database.add(image, bytes, names, { digest: index.digest, mediaType: index.mediaType })
  })
  const chosen = names.length === 0 ? undefined : core.database.names.get(names[0]!)
  const ids = ready.map(({ image }) => image.id)
  return chosen === undefined ? ids : [chosen, ...ids.filter((id) => id !== chosen)]
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
