import { GantryError } from '../../lib/errors.ts'
import { isDigest } from '../../lib/reference.ts'

/**
 * A cache outside of the engine: BuildKit's cache manifest, version 0. A manifest (or an index) lists layers and one configuration, which
 * says which record has which layer. The digest of a record is our key of a step, which is in no other builder's keys: those read past
 * our records and we past theirs. Source: BuildKit's documentation "Remote cache" and its media types.
 */
export const cacheConfigType = 'application/vnd.buildkit.cacheconfig.v0'
/** A directory of RUN --mount=type=cache as a compressed tar. */
export const cacheMountType = 'application/vnd.gantry.cachemount.v0.tar+gzip'

export interface CacheConfig {
  layers: CacheConfigLayer[]
  records: CacheConfigRecord[]
  /** Ours: others read past it. */
  mounts: CacheConfigMount[]
}

export interface CacheConfigLayer {
  blob: string
  /** Index of the layer that it was made upon; -1: none of these. */
  parent: number
  mediaType: string
  diffId: string
  size: number
  created: number
}

export interface CacheConfigRecord {
  key: string
  layer: number
  /** Milliseconds since the epoch. */
  created: number
}

export interface CacheConfigMount {
  id: string
  blob: string
}

export function encodeCacheConfig({ layers, records, mounts }: CacheConfig): Buffer {
  return Buffer.from(
    JSON.stringify({
      layers: layers.map(({ blob, parent, mediaType, diffId, size, created }) => ({
        blob,
        ...(parent !== 0 && { parent }),
        annotations: { mediaType, diffID: diffId, size, createdAt: timeText(created) },
      })),
      records: records.map(({ key, layer, created }) => ({ layers: [{ layer, createdAt: timeText(created) }], digest: key })),
      ...(mounts.length > 0 && { 'gantry.cachemounts.v0': mounts }),
    }),
  )
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** What strangers wrote: only what is whole. @throws InvalidParameter when it is no JSON */
export function decodeCacheConfig(bytes: Buffer): CacheConfig {
  const document = parse(bytes)
  const layers = list(document['layers']).map((layer): CacheConfigLayer | undefined => {
    const { blob, parent = 0, annotations = {} } = layer
    const { mediaType, diffID, size, createdAt } = annotations as Record<string, unknown>
    if (!digest(blob) || !digest(diffID) || !whole(size)) return undefined
    return { blob, parent: typeof parent === 'number' ? parent : -1, mediaType: String(mediaType), diffId: diffID, size, created: Date.parse(String(createdAt)) || 0 }
  })
  const records = list(document['records']).flatMap(({ digest: key, layers: results, inputs }): CacheConfigRecord[] => {
    const [first] = list(results)
    // Records of other builders have inputs; those without are their sources, whose digests are none of our keys.
    if (!digest(key) || first === undefined || list(inputs).length > 0) return []
    const { layer, createdAt } = first
    return whole(layer) && layers[layer] !== undefined ? [{ key, layer, created: Date.parse(String(createdAt)) || 0 }] : []
  })
  const mounts = list(document['gantry.cachemounts.v0']).flatMap(({ id, blob }): CacheConfigMount[] => (typeof id === 'string' && digest(blob) ? [{ id, blob }] : []))
  const none: CacheConfigLayer = { blob: '', parent: -1, mediaType: '', diffId: '', size: 0, created: 0 }
  return { layers: layers.map((layer) => layer ?? none), records, mounts }
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    throw new GantryError('InvalidParameter', 'invalid cache configuration: it is no JSON', { cause: error })
  }
  throw new GantryError('InvalidParameter', 'invalid cache configuration: it is no object')
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((each): each is Record<string, unknown> => typeof each === 'object' && each !== null) : []
}

function digest(value: unknown): value is string {
  return typeof value === 'string' && isDigest(value) && value.startsWith('sha256:')
}

function whole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
