import { holdImage } from '../solve/hold-image.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { LiveVertex } from '../solve/vertices.ts'
import { hostPlatform } from '../../containerd/distribution/platform.ts'
import { GantryError } from '../../lib/errors.ts'

/** Key of an image's configuration under which its own steps are. */
export const inlineKey = 'gantry.buildcache.v0'

/** A step whose result an image has: its layer, by its place from the bottom, and when it was made. */
export interface InlineRecord {
  key: string
  layer: number
  created: number
}

/** Only what an image carries itself can be given away. @throws NotImplemented */
export function wantsInlineCache({ request }: BuildJob): boolean {
  for (const { type } of request.cacheTo) if (type !== 'inline') throw new GantryError('NotImplemented', `cache export of type ${type} is not supported: use type=inline`)
  return request.cacheTo.length > 0 || /^(1|t|true)$/i.test(request.buildArgs['BUILDKIT_INLINE_CACHE'] ?? '')
}

/** Takes over what images say of their steps. One that is not there, or says nothing, is no failure: the build is done without. */
export async function importInlineCaches(room: BuildRoom, job: BuildJob): Promise<void> {
  for (const { type, attributes } of job.request.cacheFrom) {
    const { ref = '' } = attributes
    const vertex = new LiveVertex(job, { name: `importing cache manifest from ${ref || type}` })
    vertex.start()
    try {
      if (type !== 'registry' || ref === '') throw new GantryError('NotImplemented', `cache import of type ${type} is not supported`)
      await importFrom(room, job, { ref, onlyHere: attributes['pull'] === 'false' })
      vertex.end()
    } catch (error) {
      if (job.signal.aborted) throw error
      vertex.end({ error: String(error instanceof Error ? error.message : error) })
    }
  }
}

async function importFrom(room: BuildRoom, job: BuildJob, { ref, onlyHere }: { ref: string; onlyHere: boolean }): Promise<void> {
  const { core, cache, images } = room
  const { request, signal } = job
  const { image } = await images.resolve({ reference: ref, platform: hostPlatform, explicit: false, pull: false, onlyHere, credentials: (host) => request.credentials(host), progress: () => undefined, signal })
  const stack = await holdImage(room, job, image.id)
  const document = JSON.parse((await core.content.readAll(image.id)).toString()) as Record<string, unknown>
  for (const { key, layer, created } of readRecords(document[inlineKey])) {
    if (layer >= stack.length || cache.database.find(key) !== undefined) continue
    cache.add({ key, type: 'regular', description: `imported from ${ref}`, stack: stack.slice(0, layer + 1), created })
  }
}

/** What strangers wrote: only records that are whole. */
export function readRecords(value: unknown): InlineRecord[] {
  if (!Array.isArray(value)) return []
  return value.filter((each): each is InlineRecord => {
    if (typeof each !== 'object' || each === null) return false
    const { key, layer, created } = each as Record<string, unknown>
    return typeof key === 'string' && /^sha256:[0-9a-f]{64}$/.test(key) && Number.isSafeInteger(layer) && (layer as number) >= 0 && Number.isSafeInteger(created) && (created as number) >= 0
  })
}
