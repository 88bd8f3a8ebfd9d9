import { familiarString, fullString } from '../../lib/reference.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Ingest } from '../content/ingest.ts'
import type { Platform } from '../distribution/contract.ts'
import { platformText, suits } from '../distribution/platform.ts'
import { readDockerArchive, type Candidate } from './docker-archive.ts'
import { isObject } from './image-document.ts'
import type { ImageCore } from './image-core.ts'
import type { StoredImage } from './image-database.ts'
import { readOciIndexes, readOciLayout } from './oci-layout.ts'
import { registerImage } from './register-image.ts'
import { badArchive, parseDocument, unpackArchive, type UnpackedArchive } from './unpacked-archive.ts'
import { withWholeSource } from './whole-source.ts'

const largestConfig = 8 << 20

export interface LoadOptions {
  /** Gets the lines of docker load, newline included. */
  progress: (line: string) => void
  /** The only one that is wanted. */
  platform?: Platform
}

/** Loads every image of an archive. @throws NotFound when none is of the platform */
export async function loadImages(core: ImageCore, source: AsyncIterable<Uint8Array>, { progress, platform }: LoadOptions): Promise<StoredImage[]> {
  const archive = await withWholeSource(source, (lent) => unpackArchive(lent, core.content))
  try {
    const candidates = candidatesOf(archive, platform)
    const images: StoredImage[] = []
    let named = false
    const told = new Set<string>()
    for (const candidate of candidates) {
      const tagged = candidate.names.filter((name) => name.tag !== undefined && name.digest === undefined)
      named ||= tagged.length > 0
      images.push(
        await core.exclusive(async () => {
          const before = new Map(core.database.names)
          const image = await registerImage(core, candidate, tagged.map(fullString))
          for (const name of tagged) {
            if (told.has(fullString(name))) continue
            told.add(fullString(name))
            const old = before.get(fullString(name))
            const isMeantStill = core.database.indexes.get(fullString(name))?.images.includes(old!) === true
            if (old !== undefined && old !== image.id && !isMeantStill) {
              progress(`The image ${familiarString(name)} already exists, renaming the old one with ID ${old} to empty string\n`)
            }
            progress(`Loaded image: ${familiarString(name)}\n`)
          }
          return image
        }),
      )
    }
    if (!named) for (const image of images) progress(`Loaded image ID: ${image.id}\n`)
    return images
  } finally {
    archive.close()
  }
}

/** Of another platform than the wanted one an image of an OCI layout may have a manifest, so that one is read first then. */
function candidatesOf(archive: UnpackedArchive, platform: Platform | undefined): Candidate[] {
  const readers = platform === undefined ? [readDockerArchive, readOciLayout] : [readOciLayout, readDockerArchive]
  for (const read of readers) {
    const candidates = read(archive, platform)
    if (candidates === undefined) continue
    if (read === readDockerArchive) addPlatforms(candidates, readOciIndexes(archive))
    const wanted = platform === undefined ? candidates : candidates.filter(({ config }) => suits(platformOfConfig(config), platform))
    if (wanted.length === 0 && platform !== undefined) throw new GantryError('NotFound', `cannot load archive: it has no image for the requested platform (${platformText(platform)})`)
    return wanted
  }
  if (archive.has('repositories')) throw badArchive('it is of the format before Docker 1.10, without manifest.json, which is not supported')
  throw badArchive('it has neither manifest.json (docker-archive) nor index.json (OCI layout)')
}

/** manifest.json has one platform of each image; an index of the same archive says which others there are. */
function addPlatforms(candidates: Candidate[], layout: readonly Candidate[]): void {
  for (const other of layout) {
    if (other.index === undefined) continue
    const same = candidates.find(({ config }) => config.seal() === other.config.seal())
    if (same) same.index = other.index
    else candidates.push(other)
  }
}

function platformOfConfig(config: Ingest): Partial<Platform> {
  // One that is too long is refused when the image is made.
  const document = config.size > largestConfig ? undefined : parseDocument('configuration', config.readAll())
  return isObject(document) ? (document as Partial<Platform>) : {}
}
