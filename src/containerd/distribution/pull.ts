import { GantryError } from '../../lib/errors.ts'
import { familiarName, familiarString, fullName, fullString, parseReference, withDefaultTag, type Reference } from '../../lib/reference.ts'
import type { StoredImage } from '../images/image-database.ts'
import type { Distribution, Platform, Progress, PullRequest } from './contract.ts'
import { parseManifest, type ImageManifest } from './manifest.ts'
import { hostPlatform, mismatchText, parsePlatform, selectManifest, suits } from './platform.ts'
import { pullImage } from './pull-image.ts'
import { atRegistry } from './registry.ts'
import { RegistryError } from './registry-error.ts'
import { Repository, type FetchedManifest } from './repository.ts'
import type { DistributionRoom } from './room.ts'

/** `docker pull`: one tag or digest, or all tags of a repository. */
export async function pull(room: DistributionRoom, request: PullRequest, progress: Progress): ReturnType<Distribution['pull']> {
  const named = parseReference(request.reference)
  if (request.allTags && (named.tag !== undefined || named.digest !== undefined)) throw new GantryError('InvalidParameter', "tag can't be used with --all-tags/-a")
  const reference = request.allTags ? named : withDefaultTag(named)
  const platform = request.platform ? parsePlatform(request.platform) : undefined
  const { settings, userAgent } = room
  const { credentials, signal } = request
  const pulled: { reference: string; imageId: string }[] = []
  let newer = false
  const end = await room.core.works.begin()
  try {
    await atRegistry(reference.domain, { settings, userAgent, credentials, signal, mirrors: true }, async (registry) => {
      const repository = new Repository(registry, reference.path, { actions: 'pull', signal })
      const wanted = request.allTags ? (await repository.tags()).map((tag) => ({ ...reference, tag })) : [reference]
      for (const each of wanted) {
        const { image, isNewer } = await pullOne({ room, repository, reference: each, platform, progress, signal })
        newer ||= isNewer
        pulled.push({ reference: familiarString(each), imageId: image.id })
        if (request.platform && platform && !suits(image.document, platform)) progress({ status: `WARNING: ${mismatchText(image.document, platform, familiarString(each))}` })
      }
    })
  } catch (error) {
    throw pullError(error, reference)
  } finally {
    end()
  }
  progress({ status: `Status: ${newer ? 'Downloaded newer image' : 'Image is up to date'} for ${familiarString(reference)}` })
  return pulled
}

interface PullOne {
  room: DistributionRoom
  repository: Repository
  reference: Reference
  platform: Platform | undefined
  progress: Progress
  signal: AbortSignal | undefined
}

async function pullOne({ room, repository, reference, platform, progress, signal }: PullOne): Promise<{ image: StoredImage; isNewer: boolean }> {
  const { core, downloads } = room
  const wanted = reference.digest ?? reference.tag!
  const top = await repository.manifest(wanted)
  progress({ status: `Pulling from ${reference.path}`, id: wanted })
  const { fetched, manifest, index } = await imageManifest(repository, top, { name: fullString(reference), platform: platform ?? hostPlatform })
  const canonical = `${fullName(reference)}@${top.digest}`
  // By digest, a tag that is written before it names nothing.
  const name = reference.digest === undefined ? fullString(reference) : canonical
  const before = [core.database.names.get(name), ...(core.database.indexes.get(name)?.images ?? [])]
  const image = await pullImage({ core, downloads, repository, fetched, manifest, progress, signal, ...(index && { index }) }, [...new Set([name, canonical])])
  core.database.addSources(fullName(reference), manifest.layers.map(({ digest }) => digest))
  progress({ status: `Digest: ${top.digest}` })
  return { image, isNewer: !before.includes(image.id) }
}

/** The manifest of an image, through an index if there is one. */
async function imageManifest(
  repository: Repository,
  top: FetchedManifest,
  { name, platform }: { name: string; platform: Platform },
): Promise<{ fetched: FetchedManifest; manifest: ImageManifest; index?: FetchedManifest }> {
  let fetched = top
  for (let depth = 0; depth < 4; depth++) {
    const manifest = parseManifest(fetched.bytes, fetched.mediaType, name)
    if (manifest.kind === 'image') {
      for (const { mediaType } of manifest.layers) checkLayerType(mediaType)
      return { fetched, manifest, ...(fetched !== top && { index: top }) }
    }
    fetched = await repository.manifest(selectManifest(manifest, platform).digest)
  }
  throw new GantryError('InvalidParameter', `invalid manifest of ${name}: its indexes are nested too deep`)
}

/** Before anything is brought: what lies there may be an artifact of another kind. */
function checkLayerType(mediaType: string): void {
  if (mediaType !== '' && !/^application\/vnd\.(docker|oci)\.image\./i.test(mediaType)) throw new GantryError('InvalidParameter', `unsupported media type ${mediaType}`)
}

/** Docker's words for what a registry does not have or does not show. */
function pullError(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryError)) return error
  const texts: Record<string, string> = {
    DENIED: `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login'`,
    MANIFEST_UNKNOWN: `manifest for ${familiarString(reference)} not found`,
    NAME_UNKNOWN: `repository ${familiarName(reference)} not found`,
  }
  const text = texts[error.code]
  return text === undefined ? error : new GantryError('NotFound', `${text}: ${error.message}`, { cause: error })
}
