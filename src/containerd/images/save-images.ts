import { GantryError } from '../../lib/errors.ts'
import { familiarName, familiarString, fullName, fullString, parseReference, type Reference } from '../../lib/reference.ts'
import { tarEntry } from '../../lib/tar/entry.ts'
import { writeTar, type TarMember } from '../../lib/tar/writer.ts'
import { decompressed } from './decompress.ts'
import { sweep, type ImageCore } from './image-core.ts'
import { references, type StoredImage, type StoredLayer } from './image-database.ts'
import { digestOf } from './image-document.ts'
import { compressionOfFile } from './layer-tar.ts'

export interface SavedImage {
  image: StoredImage
  names: Reference[]
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
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
  const letGo = core.holds.hold(saved.flatMap(({ image }) => references(image)))
  try {
    yield* writeTar(members(core, saved.map((each) => ({ ...each, layers: each.image.layers.map((layer) => savedLayer(core, layer)) }))))
  } finally {
    letGo()
    await core.exclusive(() => sweep(core)).catch(() => undefined)
  }
}

type PlannedImage = SavedImage & { layers: SavedLayer[] }

async function* members(core: ImageCore, saved: readonly PlannedImage[]): AsyncGenerator<TarMember, void, undefined> {
  yield { entry: tarEntry({ name: 'blobs/', type: 'directory' }) }
  yield { entry: tarEntry({ name: 'blobs/sha256/', type: 'directory' }) }
  const written = new Set<string>()
  const index: object[] = []
  for (const { image, names, layers } of saved) {
    for (const { digest, size, open } of layers) {
      if (!written.has(digest)) yield { entry: tarEntry({ name: blobName(digest), size }), content: lazily(open) }
      written.add(digest)
    }
    const config = await core.content.readAll(image.id)
    const manifest = jsonBytes(imageManifest(image, layers, config.length))
    for (const bytes of [config, manifest]) {
      const digest = digestOf(bytes)
      if (!written.has(digest)) yield fileMember(blobName(digest), bytes)
      written.add(digest)
    }
    index.push(...descriptors(image, names, manifest))
  }
  yield fileMember('index.json', jsonBytes({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: index }))
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

function descriptors(image: StoredImage, names: readonly Reference[], manifest: Buffer): object[] {
  const { architecture, os, variant } = image.document
  const descriptor = { mediaType: manifestType, digest: digestOf(manifest), size: manifest.length }
  const platform = { architecture: architecture ?? '', os: os ?? 'linux', ...(variant && { variant }) }
  if (names.length === 0) return [{ ...descriptor, platform }]
  return names.map((name) => ({
    ...descriptor,
    annotations: { 'io.containerd.image.name': fullString(name), 'org.opencontainers.image.ref.name': name.tag },
    platform,
  }))
}

function repositoriesOf(saved: readonly SavedImage[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {}
  for (const { image, names } of saved) {
    const top = image.layers.at(-1)
    if (top === undefined) continue
    for (const name of names) (repositories[familiarName(name)] ??= {})[name.tag!] = top.diffId.slice('sha256:'.length)
  }
  return repositories
}

/** Which images a list of names, ids and repositories means; a repository without a tag means all its tags. */
export function imagesToSave(core: ImageCore, texts: readonly string[], find: (text: string) => StoredImage): SavedImage[] {
  const saved = new Map<string, SavedImage>()
  const add = (image: StoredImage, name?: Reference): void => {
    const entry = saved.get(image.id) ?? { image, names: [] }
    if (name && !entry.names.some((other) => fullString(other) === fullString(name))) entry.names.push(name)
    saved.set(image.id, entry)
  }
  for (const text of texts) {
    const image = find(text)
    const name = nameOf(text)
    if (name?.tag !== undefined && core.database.names.has(fullString(name))) add(image, name)
    else if (name === undefined || name.digest !== undefined) add(image)
    else {
      const tags = [...core.database.names].map(([full, id]) => ({ id, name: parseReference(full) })).filter((each) => fullName(each.name) === fullName(name))
      if (tags.length === 0) add(image)
      for (const tag of tags) add(core.database.images.get(tag.id)!, tag.name)
    }
  }
  return [...saved.values()]
}

function nameOf(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof GantryError) return undefined
    throw error
  }
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
