import type { ImageCore } from '../images/image-core.ts'
import { blobsOf, references, type Pending, type StoredImage } from '../images/image-database.ts'
import type { Attestation, StoredIndex } from '../images/name-indexes.ts'
import { mediaTypes, parseManifest } from './manifest.ts'
import { pushBlob, pushImage, type PushImage } from './push-image.ts'
import { keptManifest, pushManifest } from './push-manifest.ts'

/** What a name stands for, as it would go to a registry. */
export interface IndexToPush {
  index: StoredIndex
  bytes: Buffer
  /** Of the platforms that are here. */
  images: StoredImage[]
  /** Everything that it lists is here, as it lists it. */
  isWhole: boolean
  references: Pending[]
}

/** The index of a full name; undefined for a name of one image. */
export async function indexToPush(core: ImageCore, name: string): Promise<IndexToPush | undefined> {
  const index = core.database.indexes.get(name)
  if (index === undefined || !core.content.has(index.digest)) return undefined
  const bytes = await core.content.readAll(index.digest)
  const listed = parseManifest(bytes, index.mediaType, name)
  const images = index.images.map((id) => core.database.images.get(id)!)
  const attestations = index.attestations.filter((each) => isHere(core, each))
  const kept = new Set((await Promise.all(images.map((image) => keptManifest(core, image)))).map((manifest) => manifest?.digest))
  for (const { manifest } of attestations) kept.add(manifest)
  const isWhole = listed.kind === 'index' && listed.manifests.every(({ digest }) => kept.has(digest))
  const blobs = [index.digest, ...attestations.flatMap(blobsOf)].map((key): Pending => ({ kind: 'blob', key }))
  return { index, bytes, images, isWhole, references: [...images.flatMap(references), ...blobs] }
}

export function isHere({ content }: Pick<ImageCore, 'content'>, attestation: Attestation): boolean {
  return blobsOf(attestation).every((digest) => content.has(digest))
}

/** Pushes the image of each platform by its digest and what is said of it, then the index, so that what the tag names is always whole. */
export async function pushIndex(options: Omit<PushImage, 'image'>, { index, bytes, images }: IndexToPush, tag: string): Promise<{ digest: string; size: number }> {
  for (const image of images) await pushImage({ ...options, image }, image.manifest!.digest)
  const { room: { core }, repository } = options
  const listed = parseManifest(bytes, index.mediaType, index.digest)
  for (const { manifest, blobs } of index.attestations) {
    for (const digest of blobs) await pushBlob(options, digest)
    const mediaType = listed.kind === 'index' ? listed.manifests.find(({ digest }) => digest === manifest)?.mediaType : undefined
    await repository.putManifest(manifest, await core.content.readAll(manifest), mediaType || mediaTypes.ociManifest)
  }
  await repository.putManifest(tag, bytes, index.mediaType)
  return { digest: index.digest, size: bytes.length }
}

/** Tells clients, in Docker's form, that a tag has one platform's manifest at the registry where it has an index here. */
export async function pushedInstead(core: ImageCore, { index, bytes }: IndexToPush, image: StoredImage): Promise<unknown> {
  const { digest, mediaType, bytes: manifest } = await pushManifest(core, image)
  const { architecture = '', os = 'linux', variant } = image.document
  return {
    manifestPushedInsteadOfIndex: true,
    originalIndex: { mediaType: index.mediaType, digest: index.digest, size: bytes.length },
    selectedManifest: { mediaType, digest, size: manifest.length, platform: { architecture, os, ...(variant && { variant }) } },
  }
}
