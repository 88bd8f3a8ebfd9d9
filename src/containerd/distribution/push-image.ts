import type { StoredImage, StoredLayer } from '../images/image-database.ts'
import { lentFile } from '../images/lent-file.ts'
import { compressLayer } from './compress-layer.ts'
import type { Progress } from './contract.ts'
import { bar, shortDigest, step } from './progress.ts'
import { pushManifest } from './push-manifest.ts'
import type { Repository } from './repository.ts'
import { isPassing, pauseAfter, pauseFor } from './retry.ts'
import type { DistributionRoom } from './room.ts'
import { upload } from './upload.ts'

export interface PushImage {
  room: DistributionRoom
  repository: Repository
  /** "docker.io/library/busybox" */
  repositoryName: string
  image: StoredImage
  progress: Progress
  signal?: AbortSignal
}

/** Pushes layers, configuration and manifest, in this order, so that what a tag names is always whole. */
export async function pushImage(options: PushImage, tag: string): Promise<{ digest: string; size: number }> {
  const { room, repository, image, progress, repositoryName } = options
  const layers = [...new Map(image.layers.map((layer) => [layer.diffId, layer])).values()].toReversed()
  for (const { diffId } of layers) step(progress, shortDigest(diffId), 'Preparing')
  const failing = new AbortController()
  const results = await Promise.allSettled(
    layers.map(async (layer) => {
      if (room.uploads.isFull) step(progress, shortDigest(layer.diffId), 'Waiting')
      await room.uploads.run(async () => {
        failing.signal.throwIfAborted()
        await pushLayer(options, layer).catch((error: unknown) => {
          failing.abort(error)
          throw error
        })
      })
    }),
  )
  if (results.some(({ status }) => status === 'rejected')) throw failing.signal.reason
  room.core.database.addSources(repositoryName, layers.map(({ blob }) => blob))
  await pushBlob(options, image.id)
  const { bytes, digest, mediaType } = await pushManifest(room.core, image)
  await repository.putManifest(tag, bytes, mediaType)
  return { digest, size: bytes.length }
}

async function pushLayer({ room, repository, repositoryName, progress, signal }: PushImage, layer: StoredLayer): Promise<void> {
  const { core, settings } = room
  const id = shortDigest(layer.diffId)
  await compressLayer(core, layer)
  const { blob } = layer
  const size = core.content.size(blob)
  for (let attempt = 1; ; attempt++) {
    try {
      if ((await repository.blobSize(blob)) !== undefined) return step(progress, id, 'Layer already exists')
      const show = bar(progress, { id, status: 'Pushing', total: size })
      const mountFrom = attempt === 1 ? mountSources(core.database.sources(blob), repositoryName) : []
      const from = await upload(repository, { digest: blob, size, open: () => lentFile(core.content.path(blob)), mountFrom, onBytes: show })
      return step(progress, id, from === undefined ? 'Pushed' : `Mounted from ${from}`)
    } catch (error) {
      if (attempt >= settings.maxAttempts || !isPassing(error) || signal?.aborted) throw error
      await pauseFor(pauseAfter(attempt, error), (status) => step(progress, id, status), signal)
    }
  }
}

/** A registry that cannot mount from one will seldom do from many. */
const mostMounts = 3

/** Paths of other repositories of the same registry. */
export function mountSources(repositories: readonly string[], target: string): string[] {
  const [domain] = target.split('/', 1)
  return repositories
    .filter((name) => name !== target && name.startsWith(`${domain}/`))
    .map((name) => name.slice(domain!.length + 1))
    .slice(0, mostMounts)
}

/** A small one, of which nothing is told. */
export async function pushBlob({ repository, room: { core } }: Pick<PushImage, 'repository' | 'room'>, digest: string): Promise<void> {
  if ((await repository.blobSize(digest)) !== undefined) return
  const open = (): AsyncIterable<Uint8Array> => core.content.read(digest)
  await upload(repository, { digest, size: core.content.size(digest), open, mountFrom: [], onBytes: () => undefined })
}
