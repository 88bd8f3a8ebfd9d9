import { parseReference, withDefaultTag } from '../../lib/reference.ts'
import type { Credentials } from './contract.ts'
import { atRegistry } from './registry.ts'
import { Repository, type FetchedManifest } from './repository.ts'
import type { DistributionRoom } from './room.ts'
import { upload } from './upload.ts'

/** Manifests and blobs of one repository as they are, of whatever kind: caches, attestations. OCI distribution-spec 1.1. */
export interface RemoteContent {
  /** By tag or digest; what comes by digest is verified. */
  manifest(reference: string): Promise<FetchedManifest>
  /** Not verified. */
  blob(digest: string): Promise<AsyncIterable<Uint8Array>>
  /** Nothing is sent of one that is there. @returns whether it was sent */
  putBlob(blob: { digest: string; size: number; open: () => AsyncIterable<Uint8Array> }): Promise<boolean>
  putManifest(reference: string, bytes: Buffer, mediaType: string): Promise<void>
}

export interface AtRemote {
  /** Names the repository; "latest" where it has no tag. */
  reference: string
  write: boolean
  credentials: Credentials
  signal?: AbortSignal
}

/** Does something at the repository of a reference. @param use gets the tag or the digest that was named, too */
export async function atRemote<Result>({ settings, userAgent }: DistributionRoom, request: AtRemote, use: (remote: RemoteContent, named: string) => Promise<Result>): Promise<Result> {
  const { write, credentials, signal } = request
  const reference = withDefaultTag(parseReference(request.reference))
  return await atRegistry(reference.domain, { settings, userAgent, credentials, signal, mirrors: !write }, async (registry) => {
    const repository = new Repository(registry, reference.path, { actions: write ? 'pull,push' : 'pull', ...(signal && { signal }) })
    const remote: RemoteContent = {
      manifest: (name) => repository.manifest(name),
      blob: async (digest) => (await repository.blob(digest)).stream,
      async putBlob(blob) {
        if ((await repository.blobSize(blob.digest)) !== undefined) return false
        await upload(repository, { ...blob, mountFrom: [], onBytes: () => undefined })
        return true
      },
      putManifest: (name, bytes, mediaType) => repository.putManifest(name, bytes, mediaType),
    }
    return await use(remote, reference.digest ?? reference.tag!)
  })
}
