import { familiarString, fullString } from '../../lib/reference.ts'
import { readDockerArchive, type Candidate } from './docker-archive.ts'
import type { ImageCore } from './image-core.ts'
import type { StoredImage } from './image-database.ts'
import { readOciLayout } from './oci-layout.ts'
import { registerImage } from './register-image.ts'
import { badArchive, unpackArchive, type UnpackedArchive } from './unpacked-archive.ts'
import { withWholeSource } from './whole-source.ts'

/** Loads every image of an archive. `progress` gets the lines of docker load, newline included. */
export async function loadImages(core: ImageCore, source: AsyncIterable<Uint8Array>, progress: (line: string) => void): Promise<StoredImage[]> {
  const archive = await withWholeSource(source, (lent) => unpackArchive(lent, core.content))
  try {
    const candidates = candidatesOf(archive)
    const images: StoredImage[] = []
    let named = false
    for (const candidate of candidates) {
      const tagged = candidate.names.filter((name) => name.tag !== undefined && name.digest === undefined)
      named ||= tagged.length > 0
      images.push(
        await core.exclusive(async () => {
          const before = new Map(core.database.names)
          const image = await registerImage(core, candidate, tagged.map(fullString))
          for (const name of tagged) {
            const old = before.get(fullString(name))
            if (old !== undefined && old !== image.id) {
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

function candidatesOf(archive: UnpackedArchive): Candidate[] {
  const candidates = readDockerArchive(archive) ?? readOciLayout(archive)
  if (candidates !== undefined) return candidates
  if (archive.has('repositories')) throw badArchive('it is of the format before Docker 1.10, without manifest.json, which is not supported')
  throw badArchive('it has neither manifest.json (docker-archive) nor index.json (OCI layout)')
}
