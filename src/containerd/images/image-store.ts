import { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import { familiarName, familiarString, fullString, parseAnyReference, parseReference, withDefaultTag, type Reference } from '../../lib/reference.ts'
import type { FileContentStore } from '../content/file-content-store.ts'
import type { Snapshotter } from '../snapshots/contract.ts'
import { commitImage, type CommitImage } from './commit-image.ts'
import { parsePlatform } from '../distribution/platform.ts'
import type { Descriptor, ForPlatform, Image, ImageStore, ImportImage, ManifestSummary, RemoveImage } from './contract.ts'
import { describeManifests, targetDescriptor } from './describe-manifests.ts'
import { Holds } from './holds.ts'
import { createExclusive, sweep, type ImageCore } from './image-core.ts'
import { ImageDatabase, parentOf, type StoredImage } from './image-database.ts'
import { importImage } from './import-image.ts'
import { loadImages } from './load-images.ts'
import type { OtherStores } from './other-stores.ts'
import { removeImage } from './remove-image.ts'
import { removePlatforms } from './remove-platforms.ts'
import { imagesToSave } from './images-to-save.ts'
import { saveImages } from './save-images.ts'
import { Works } from './works.ts'
import { findVariant, indexOfText, requireVariant, variantsOf } from './variants.ts'

export interface DurableImageStore extends ImageStore {
  /** For what moves images in and out of the store: distribution. */
  readonly core: ImageCore
  /** Removes layers that stayed behind because a container stood on them. To be called after a container's snapshot went. */
  sweep(): Promise<void>
  /** Goes on with the database of another storage driver; the snapshotter has been switched to it. Within `core.exclusive`. */
  use(database: ImageDatabase): void
  /** Waits for what is under way and closes the database. */
  close(): Promise<void>
}

/** Images in `<root>/images.db`. What an earlier process left half-made is removed first, before any other change. */
export function openImageStore(options: { root: string; content: FileContentStore; snapshotter: Snapshotter; others?: OtherStores }): DurableImageStore {
  const database = new ImageDatabase(options.root)
  const store = new Images({ content: options.content, snapshotter: options.snapshotter, database, holds: new Holds(), works: new Works(), exclusive: createExclusive(), ...(options.others && { others: options.others }) })
  // Its rows stay when it fails, and the next change tries again.
  store.sweep().catch(() => undefined)
  return store
}

type MutableCore = Omit<ImageCore, 'database'> & { database: ImageDatabase }

class Images implements DurableImageStore {
  readonly core: ImageCore
  readonly #core: MutableCore

  constructor(core: MutableCore) {
    this.core = core
    this.#core = core
  }

  get(reference: string, platform?: string): Image {
    const image = this.#required(reference)
    return this.#view(platform ? requireVariant(this.#core.database, { image, text: reference }, parsePlatform(platform)) : image)
  }

  find(reference: string, platform?: string): Image | undefined {
    const image = this.#find(reference)
    const found = image && platform ? findVariant(this.#core.database, { image, text: reference }, parsePlatform(platform)) : image
    return found && this.#view(found)
  }

  async manifests({ id }: Image): Promise<ManifestSummary[]> {
    return await describeManifests(this.#core, this.#required(id), (image) => this.#view(image))
  }

  async descriptor({ id }: Image): Promise<Descriptor> {
    return await targetDescriptor(this.#core, this.#required(id))
  }

  list(): Image[] {
    const images = [...this.#core.database.images.values()].map((image) => this.#view(image))
    return images.toSorted((a, b) => Date.parse(b.created) - Date.parse(a.created))
  }

  tag(source: string, target: string): void {
    const { database } = this.#core
    const image = this.#required(source)
    database.setName(fullString(newName(target)), image.id, indexOfText(database, source))
  }

  async remove(reference: string, options: RemoveImage): Promise<{ Untagged?: string; Deleted?: string }[]> {
    const { platforms = [] } = options
    return await this.#core.exclusive(async () => {
      const image = this.#required(reference)
      if (platforms.length > 0) return await removePlatforms(this.#core, image, { text: reference, platforms }, options)
      return await removeImage(this.#core, image, reference, options)
    })
  }

  async load(archive: AsyncIterable<Uint8Array>, progress: (line: string) => void, { platform }: ForPlatform = {}): Promise<Image[]> {
    const images = await loadImages(this.#core, archive, { progress, ...(platform && { platform: parsePlatform(platform) }) })
    return images.map((image) => this.#view(image))
  }

  async importTar(archive: AsyncIterable<Uint8Array>, options: ImportImage): Promise<Image> {
    const name = options.reference === undefined || options.reference === '' ? undefined : newName(options.reference)
    return this.#view(await importImage(this.#core, archive, options, name))
  }

  async commit(request: CommitImage): Promise<Image> {
    return this.#view(await commitImage(this.#core, request))
  }

  async save(references: string[], { platform }: ForPlatform = {}): Promise<Readable> {
    const wanted = platform ? parsePlatform(platform) : undefined
    const saved = imagesToSave(this.#core, references, {
      find: (text) => this.#saveable(text),
      ...(wanted && { choose: (image: StoredImage, text: string) => requireVariant(this.#core.database, { image, text }, wanted) }),
    })
    return Readable.from(saveImages(this.#core, saved), { objectMode: false })
  }

  async sweep(): Promise<void> {
    await this.#core.exclusive(() => sweep(this.#core))
  }

  use(database: ImageDatabase): void {
    this.#core.database.close()
    this.#core.database = database
  }

  async close(): Promise<void> {
    await this.#core.exclusive(async () => this.#core.database.close())
  }

  #required(reference: string): StoredImage {
    const image = this.#find(reference)
    if (image) return image
    const parsed = parseAnyReference(reference)
    const shown = 'id' in parsed ? parsed.id : familiarString(withDefaultTag(parsed))
    throw new GantryError('NotFound', `No such image: ${shown}`)
  }

  /** A repository may be saved that has tags but no "latest". */
  #saveable(text: string): StoredImage {
    const found = this.#find(text)
    const parsed = parseAnyReference(text)
    if (found || 'id' in parsed || parsed.tag !== undefined) return this.#required(text)
    const tag = [...this.#core.database.names].find(([full]) => familiarName(parseReference(full)) === familiarName(parsed))
    return tag ? this.#core.database.images.get(tag[1])! : this.#required(text)
  }

  #find(reference: string): StoredImage | undefined {
    const { images, names } = this.#core.database
    const parsed = parseAnyReference(reference)
    if ('id' in parsed) return images.get(parsed.id)
    // A digest says it all; a tag beside it is for the reader.
    const named = names.get(fullString(parsed.digest === undefined ? withDefaultTag(parsed) : { ...parsed, tag: undefined }))
    return named === undefined ? this.#byPrefix(reference) : images.get(named)
  }

  #byPrefix(text: string): StoredImage | undefined {
    const prefix = text.replace(/^sha256:/, '')
    if (!/^[a-f0-9]+$/.test(prefix)) return undefined
    const matches = [...this.#core.database.images.values()].filter((image) => image.id.startsWith(`sha256:${prefix}`))
    return matches.length === 1 ? matches[0] : undefined
  }

  #view(image: StoredImage): Image {
    const { document, layers } = image
    const names = [...this.#core.database.names].filter(([, id]) => id === image.id).map(([full]) => parseReference(full))
    return {
      id: image.id,
      repoTags: names.filter((name) => name.digest === undefined).map(familiarString).toSorted(),
      repoDigests: names.filter((name) => name.digest !== undefined).map(familiarString).toSorted(),
      created: document.created ?? '0001-01-01T00:00:00Z',
      architecture: document.architecture ?? '',
      ...(document.variant && { variant: document.variant }),
      os: document.os ?? 'linux',
      ...(document.author && { author: document.author }),
      ...(document.comment && { comment: document.comment }),
      parent: parentOf(this.#core.database.images, image) ?? document.parent ?? '',
      config: document.config ?? {},
      diffIds: layers.map((layer) => layer.diffId),
      chainId: layers.at(-1)?.chainId,
      size: layers.reduce((sum, layer) => sum + layer.size, 0),
      history: document.history ?? [],
      ...(image.lastTagged && { lastTagTime: image.lastTagged }),
      ...variantsOf(this.#core.database, image),
    }
  }
}

/** @throws InvalidParameter for a name that images cannot be given */
function newName(text: string): Reference {
  const reference = withDefaultTag(parseReference(text))
  if (reference.digest !== undefined) throw new GantryError('InvalidParameter', 'refusing to create a tag with a digest reference')
  if (familiarName(reference) === 'sha256') {
    throw new GantryError('InvalidParameter', 'refusing to create an ambiguous tag using digest algorithm as name')
  }
  return reference
}
