import type { Ingest } from '../content/ingest.ts'
import { GantryError } from '../../lib/errors.ts'
import { parseReference, type Reference } from '../../lib/reference.ts'
import { isObject, isStrings } from './image-document.ts'
import { badArchive, type UnpackedArchive } from './unpacked-archive.ts'

/** An image as an archive offers it: nothing is verified yet. */
export interface Candidate {
  config: Ingest
  configName: string
  /** From the bottom up, maybe compressed. */
  layers: Ingest[]
  names: Reference[]
  /** That it is listed in with images of other platforms, or with what is said of it. */
  index?: ListedIn
}

export interface ListedIn {
  file: Ingest
  mediaType: string
  /** The image's own, as it is listed. */
  manifest: { file: Ingest; mediaType: string }
  /** Manifests about the image that are there with all that they list. */
  attestations: { manifest: Ingest; blobs: Ingest[] }[]
}

/** The images of manifest.json as `docker save` writes it; undefined when there is none. */
export function readDockerArchive(archive: UnpackedArchive): Candidate[] | undefined {
  if (!archive.has('manifest.json')) return undefined
  const manifest = archive.document('manifest.json')
  if (!Array.isArray(manifest)) throw badArchive('manifest.json is no list')
  return manifest.map((item: unknown) => {
    if (!isObject(item)) throw badArchive('manifest.json holds what is no object')
    const { Config, RepoTags, Layers } = item
    if (typeof Config !== 'string' || Config === '') throw badArchive('manifest.json has an image without Config')
    if (!isStrings(Layers ?? [])) throw badArchive('manifest.json has Layers that are no list of strings')
    if (!isStrings(RepoTags ?? [])) throw badArchive('manifest.json has RepoTags that are no list of strings')
    return {
      config: archive.required(Config),
      configName: Config,
      layers: ((Layers ?? []) as string[]).map((name) => archive.required(name)),
      names: ((RepoTags ?? []) as string[]).map(taggedName),
    }
  })
}

function taggedName(text: string): Reference {
  const reference = parseReference(text)
  if (reference.tag === undefined || reference.digest !== undefined) {
    throw new GantryError('InvalidParameter', `invalid tag ${JSON.stringify(text)}`)
  }
  return reference
}
