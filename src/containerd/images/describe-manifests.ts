import { isHere } from '../distribution/push-index.ts'
import { pushManifest } from '../distribution/push-manifest.ts'
import { parseManifest } from '../distribution/manifest.ts'
import { suits } from '../distribution/platform.ts'
import type { Descriptor, Image, ManifestSummary } from './contract.ts'
import type { ImageCore } from './image-core.ts'
import { blobsOf, type StoredImage } from './image-database.ts'
import type { StoredIndex } from './name-indexes.ts'

/** The manifests of an image: all that its index lists, or its own. */
export async function describeManifests(core: ImageCore, image: StoredImage, view: (image: StoredImage) => Image): Promise<ManifestSummary[]> {
  const index = indexOf(core, image)
  if (index === undefined) {
    const { digest, mediaType, bytes } = await pushManifest(core, image)
    const descriptor = { mediaType, digest, size: bytes.length, platform: platformOf(image) }
    return [{ id: digest, descriptor, kind: 'image', image: view(image), content: contentSize(core, image, bytes.length), isHere: true }]
  }
  const listed = parseManifest(await core.content.readAll(index.digest), index.mediaType, index.digest)
  const here = index.images.map((id) => core.database.images.get(id)!)
  const manifests = listed.kind === 'index' ? listed.manifests : []
  return manifests.map(({ mediaType, digest, size, platform, attestation, attests }): ManifestSummary => {
    const found = attestation ? undefined : here.find(({ manifest }) => manifest?.digest === digest) ?? here.find(({ document }) => platform !== undefined && suits(document, platform))
    const said = attestationSize(core, index, digest)
    return {
      id: digest,
      descriptor: { mediaType, digest, size, ...(platform && { platform }) },
      kind: attestation ? 'attestation' : platform === undefined ? 'unknown' : 'image',
      image: found && view(found),
      content: found === undefined ? said : contentSize(core, found, size),
      isHere: found !== undefined || said > 0,
      ...(attests !== undefined && { attests }),
    }
  })
}

/** What a name of the image stands for. */
export async function targetDescriptor(core: ImageCore, image: StoredImage): Promise<Descriptor> {
  const index = indexOf(core, image)
  if (index !== undefined) return { mediaType: index.mediaType, digest: index.digest, size: core.content.size(index.digest) }
  const { digest, mediaType, bytes } = await pushManifest(core, image)
  return { mediaType, digest, size: bytes.length }
}

function indexOf({ database, content }: ImageCore, { id }: StoredImage): StoredIndex | undefined {
  for (const [name, index] of database.indexes) if (database.names.get(name) === id && content.has(index.digest)) return index
  return undefined
}

function platformOf({ document }: StoredImage): Descriptor['platform'] {
  const { architecture = '', os = 'linux', variant } = document
  return { architecture, os, ...(variant && { variant }) }
}

/** 0 when it is not here. */
function attestationSize({ content }: ImageCore, { attestations }: StoredIndex, digest: string): number {
  const found = attestations.find(({ manifest }) => manifest === digest)
  if (found === undefined || !isHere({ content }, found)) return 0
  return blobsOf(found).reduce((sum, blob) => sum + content.size(blob), 0)
}

function contentSize({ content }: ImageCore, { id, layers }: StoredImage, manifestSize: number): number {
  const blobs = new Set([id, ...layers.map(({ blob }) => blob)])
  let bytes = manifestSize
  for (const blob of blobs) if (content.has(blob)) bytes += content.size(blob)
  return bytes
}
