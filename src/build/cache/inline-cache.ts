import { holdImage } from '../solve/hold-image.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { hostPlatform } from '../../containerd/distribution/platform.ts'

/** Key of an image's configuration under which its own steps are. */
export const inlineKey = 'gantry.buildcache.v0'

/** A step whose result an image has: its layer, by its place from the bottom, and when it was made. */
export interface InlineRecord {
  key: string
  layer: number
  created: number
}

/** Is the image to carry the keys of its own steps? */
export function wantsInlineCache({ request }: BuildJob): boolean {
  return request.cacheTo.some(({ type }) => type === 'inline') || /^(1|t|true)$/i.test(request.buildArgs['BUILDKIT_INLINE_CACHE'] ?? '')
}

/** Takes over what an image of the store says of its steps. @throws NotFound */
export async function importFrom(room: BuildRoom, job: BuildJob, { ref, onlyHere }: { ref: string; onlyHere: boolean }): Promise<void> {
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
