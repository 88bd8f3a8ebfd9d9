import { GantryError } from '../../lib/errors.ts'
import type { FileContentStore } from '../content/file-content-store.ts'
import type { Attestation } from '../images/name-indexes.ts'
import { listedContent, parseManifest, type Descriptor } from './manifest.ts'
import { NetworkError } from './network-error.ts'
import type { PullImage } from './pull-image.ts'
import { RegistryError } from './registry-error.ts'
import type { BlobStream, FetchedManifest, Repository } from './repository.ts'
import { retried } from './retry.ts'

/** Bytes of one attestation: an SBOM of a large image has a tenth of this. What is larger stays at the registry. */
const largest = 64 << 20

export interface PulledAttestations {
  attestations: Attestation[]
  /** To be called once, when a name refers to them or never will. */
  letGo: () => void
}

/**
 * Fetches what an index has that is about one image of it: manifests that say so in the annotations that build tools write. They are
 * small, and without them the index could not be given back as it came. One that the registry has not is left out.
 */
export async function pullAttestations({ core, repository, fetched, manifest, index, signal }: PullImage): Promise<PulledAttestations> {
  const found: { digest: string; bytes: Buffer; content: Descriptor[] }[] = []
  for (const { digest, size } of index ? attestationsOf(index, fetched.digest) : []) {
    const bytes = size > largest ? undefined : await unlessMissing(manifestOf(core.content, repository, digest))
    const content = bytes && contentOf(bytes, digest)
    if (bytes && content && content.reduce((sum, each) => sum + each.size, 0) <= largest) found.push({ digest, bytes, content })
  }
  const keys = found.flatMap(({ digest, content }) => [digest, ...content.map((each) => each.digest)])
  const pending = keys.map((key) => ({ kind: 'blob', key }) as const)
  // Not while a sweep is under way, which has looked at what is held already.
  const letGo = keys.length === 0 ? () => {} : await core.exclusive(async () => {
    core.database.addPending(pending)
    return core.holds.hold(pending)
  })
  try {
    const attestations: Attestation[] = []
    for (const { digest, bytes, content } of found) {
      const here = await unlessMissing(Promise.all(content.map((each) => fetchBlob(core.content, repository, each, signal))))
      if (here === undefined) continue
      await core.content.write(only(bytes), digest)
      attestations.push({ image: manifest.config.digest, manifest: digest, blobs: content.map((each) => each.digest) })
    }
    return { attestations, letGo }
  } catch (error) {
    letGo()
    throw error
  }
}

function attestationsOf(index: FetchedManifest, image: string): Descriptor[] {
  const listed = parseManifest(index.bytes, index.mediaType, index.digest)
  return listed.kind === 'index' ? listed.manifests.filter(({ attestation, attests }) => attestation && attests === image) : []
}

/** Undefined for what is no manifest: the image is none the worse for it. */
function contentOf(bytes: Buffer, digest: string): Descriptor[] | undefined {
  try {
    return listedContent(bytes, digest)
  } catch (error) {
    if (error instanceof GantryError && error.kind === 'InvalidParameter') return undefined
    throw error
  }
}

async function manifestOf(content: FileContentStore, repository: Repository, digest: string): Promise<Buffer> {
  const kept = content.has(digest) ? await content.readAll(digest).catch(() => undefined) : undefined
  return kept ?? (await repository.manifest(digest)).bytes
}

async function fetchBlob(content: FileContentStore, repository: Repository, { digest, size }: Descriptor, signal: AbortSignal | undefined): Promise<void> {
  if (content.has(digest)) return
  await retried(async () => {
    const blob = await repository.blob(digest)
    await content.write(noMoreThan(blob, { digest, size }), digest)
  }, signal)
}

async function* noMoreThan({ stream, request }: BlobStream, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): AsyncGenerator<Buffer, void, undefined> {
  let left = size
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      left -= chunk.length
      if (left < 0) break
      yield chunk
    }
  } catch (error) {
    throw new NetworkError(request, error)
  }
  if (left !== 0) throw new GantryError('InvalidParameter', `attestation verification failed for digest ${digest}: it has not the ${size} bytes that it should`)
}

/** Undefined where the registry has it not: some copies of images are without. */
async function unlessMissing<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof RegistryError && ['MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'NAME_UNKNOWN'].includes(error.code)) return undefined
    throw error
  }
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes
}
