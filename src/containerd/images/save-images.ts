import { familiarName, familiarString, fullString, type Reference } from '../../lib/reference.ts'
import { tarEntry } from '../../lib/tar/entry.ts'
import { writeTar, type TarMember } from '../../lib/tar/writer.ts'
import { parseManifest } from '../distribution/manifest.ts'
import { isHere } from '../distribution/push-index.ts'
import { keptManifest } from '../distribution/push-manifest.ts'
import { decompressed } from './decompress.ts'
import { sweep, type ImageCore } from './image-core.ts'
import { blobsOf, references, type Pending, type StoredImage, type StoredLayer } from './image-database.ts'
import type { StoredIndex } from './name-indexes.ts'
import { digestOf } from './image-document.ts'
import { compressionOfFile } from './layer-tar.ts'

export interface SavedImage {
  image: StoredImage
  names: Reference[]
  /** Of all platforms that its names stand for, if more than one image is here, or something is said of it, and no platform was asked for. */
  index?: StoredIndex
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const configType = 'application/vnd.oci.image.config.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar'

/** A layer as it stands in the archive. */
interface SavedLayer {
  digest: string
  size: number
  mediaType: string
  open: () => AsyncIterable<Uint8Array>
}

/**
 * Streams a docker-archive that is an OCI image layout too; each layer is written once. One that is kept as gzip, since it was pulled or
 * pushed, is written as that, as Docker's containerd store does it: every loader takes it, and its digest is the registry's.
 */
export async function* saveImages(core: ImageCore, saved: readonly SavedImage[]): AsyncGenerator<Buffer, void, undefined> {
  // A push meanwhile may put another form of a layer in its place: this one stays until the archive is written.
  const images = saved.flatMap(({ image, index }) => [image, ...(index?.images.map((id) => core.database.images.get(id)!) ?? [])])
  const indexes = saved.flatMap(({ index }) => (index ? [index.digest, ...index.attestations.flatMap(blobsOf)].map((key): Pending => ({ kind: 'blob', key })) : []))
  const letGo = core.holds.hold([...images.flatMap(references), ...indexes])
  try {
    yield* writeTar(members(core, await Promise.all(saved.map((each) => planned(core, each)))))
  } finally {
    letGo()
    await core.exclusive(() => sweep(core)).catch(() => undefined)
  }
}

/** An image of one platform as it is written. */
interface PlannedVariant {
  image: StoredImage
  layers: SavedLayer[]
  manifest: { bytes: Buffer; digest: string; mediaType: string }
}

type PlannedImage = PlannedVariant & {
  names: Reference[]
  others: PlannedVariant[]
  /** `attached`: digests of what it lists besides images. */
  index: { bytes: Buffer; mediaType: string; attached: string[] } | undefined
}

async function planned(core: ImageCore, { image, names, index }: SavedImage): Promise<PlannedImage> {
  const own = await plannedVariant(core, image, index !== undefined)
  if (index === undefined) return { ...own, names, others: [], index: undefined }
  const others: PlannedVariant[] = []
  for (const id of index.images) if (id !== image.id) others.push(await plannedVariant(core, core.database.images.get(id)!, true))
  return { ...own, names, others, index: await savedIndex(core, index, [own, ...others]) }
}

/** `verbatim`: the manifest as it was pulled, if the layers are written as it says. */
async function plannedVariant(core: ImageCore, image: StoredImage, verbatim: boolean): Promise<PlannedVariant> {
  const layers = image.layers.map((layer) => savedLayer(core, layer))
  const kept = verbatim && layers.every(({ digest }, at) => digest === image.layers[at]!.blob) ? await keptManifest(core, image) : undefined
  if (kept) return { image, layers, manifest: kept }
  const bytes = jsonBytes(imageManifest(image, layers, core.content.size(image.id)))
  return { image, layers, manifest: { bytes, digest: digestOf(bytes), mediaType: manifestType } }
}

/** The index as it came when every manifest that is written is one of its own: readers pass over what is not there. Else a new one. */
async function savedIndex(core: ImageCore, { digest, mediaType, attestations }: StoredIndex, variants: readonly PlannedVariant[]): Promise<PlannedImage['index']> {
  const bytes = await core.content.readAll(digest)
  const listed = parseManifest(bytes, mediaType, digest)
  const isWhole = listed.kind === 'index' && variants.every(({ manifest }) => listed.manifests.some((each) => each.digest === manifest.digest))
  if (isWhole) return { bytes, mediaType, attached: attestations.filter((each) => isHere(core, each)).flatMap(blobsOf) }
  return { bytes: jsonBytes({ schemaVersion: 2, mediaType: indexType, manifests: variants.map(descriptorOf) }), mediaType: indexType, attached: [] }
}

async function* members(core: ImageCore, saved: readonly PlannedImage[]): AsyncGenerator<TarMember, void, undefined> {
  yield { entry: tarEntry({ name: 'blobs/', type: 'directory' }) }
  yield { entry: tarEntry({ name: 'blobs/sha256/', type: 'directory' }) }
  const written = new Set<string>()
  function* document(bytes: Buffer): Generator<TarMember, void, undefined> {
    const digest = digestOf(bytes)
    if (!written.has(digest)) yield fileMember(blobName(digest), bytes)
    written.add(digest)
  }
  const index: object[] = []
  for (const each of saved) {
    for (const { image, layers, manifest } of [each, ...each.others]) {
      for (const { digest, size, open } of layers) {
        if (!written.has(digest)) yield { entry: tarEntry({ name: blobName(digest), size }), content: lazily(open) }
        written.add(digest)
      }
      yield* document(await core.content.readAll(image.id))
      yield* document(manifest.bytes)
    }
    for (const digest of each.index?.attached ?? []) {
      if (!written.has(digest)) yield { entry: tarEntry({ name: blobName(digest), size: core.content.size(digest) }), content: lazily(() => core.content.read(digest)) }
      written.add(digest)
    }
    if (each.index) yield* document(each.index.bytes)
    index.push(...descriptors(each))
  }
  yield fileMember('index.json', jsonBytes({ schemaVersion: 2, mediaType: indexType, manifests: index }))
  yield fileMember('manifest.json', jsonBytes(saved.map(dockerManifest)))
  yield fileMember('oci-layout', jsonBytes({ imageLayoutVersion: '1.0.0' }))
  const repositories = repositoriesOf(saved)
  if (Object.keys(repositories).length > 0) yield fileMember('repositories', jsonBytes(repositories))
}

function savedLayer(core: ImageCore, { blob, diffId, tarSize }: StoredLayer): SavedLayer {
  if (compressionOfFile(core.content.path(blob)) === 'gzip') {
    return { digest: blob, size: core.content.size(blob), mediaType: `${layerType}+gzip`, open: () => core.content.read(blob) }
  }
  // Loaders before Docker 23 do not know zstd.
  return { digest: diffId, size: tarSize, mediaType: layerType, open: () => decompressed(core.content.read(blob)) }
}

/** Opens the blob only when its turn has come. */
async function* lazily(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* open()
}

function fileMember(name: string, bytes: Buffer): TarMember {
  return { entry: tarEntry({ name, size: bytes.length }), content: [bytes] }
}

function dockerManifest({ image, names, layers }: PlannedImage): object {
  const sources = layers.map(({ digest, size, mediaType }, at) => [image.layers[at]!.diffId, { mediaType, size, digest }])
  return {
    Config: blobName(image.id),
    RepoTags: names.length === 0 ? null : names.map(familiarString),
    Layers: layers.map(({ digest }) => blobName(digest)),
    LayerSources: Object.fromEntries(sources) as unknown,
  }
}

function imageManifest(image: StoredImage, layers: readonly SavedLayer[], configSize: number): object {
  return {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, digest: image.id, size: configSize },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  }
}

function descriptorOf({ image, manifest: { mediaType, digest, bytes } }: PlannedVariant): object {
  const { architecture, os, variant } = image.document
  return { mediaType, digest, size: bytes.length, platform: { architecture: architecture ?? '', os: os ?? 'linux', ...(variant && { variant }) } }
}

function descriptors(each: PlannedImage): object[] {
  const { index, names } = each
  const { platform, ...descriptor } = descriptorOf(each) as { platform: object }
  const named = index ? { mediaType: index.mediaType, digest: digestOf(index.bytes), size: index.bytes.length } : descriptor
  if (names.length === 0) return [{ ...named, ...(!index && { platform }) }]
  return names.map((name) => ({
    ...named,
    annotations: { 'io.containerd.image.name': fullString(name), 'org.opencontainers.image.ref.name': name.tag },
    ...(!index && { platform }),
  }))
}

function repositoriesOf(saved: readonly Pick<SavedImage, 'image' | 'names'>[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {}
  for (const { image, names } of saved) {
    const top = image.layers.at(-1)
    if (top === undefined) continue
    for (const name of names) (repositories[familiarName(name)] ??= {})[name.tag!] = top.diffId.slice('sha256:'.length)
  }
  return repositories
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
