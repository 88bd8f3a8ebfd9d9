import type { ImageCore } from '../../containerd/images/image-core.ts'
import { GantryError } from '../../lib/errors.ts'
import type { CacheRecordInfo, PruneCache } from '../contract.ts'
import { parseGoDuration } from './go-duration.ts'
import type { BuildCache } from './build-cache.ts'
import type { CacheMountRecord, CacheRecord } from './cache-database.ts'
import type { CacheMounts } from './cache-mounts.ts'

export interface CacheRoom {
  cache: BuildCache
  mounts: CacheMounts
  core: ImageCore
  /** Bytes below a directory. */
  sizeOf: (directory: string) => Promise<number>
  /** Bytes that are free on the disk of the cache. */
  freeSpace: () => Promise<number>
}

type Owner = { record: CacheRecord } | { mount: CacheMountRecord }
export type Listed = CacheRecordInfo & { owner: Owner }

/** Everything that the cache keeps, as Docker lists it. */
export async function listCache({ cache, mounts, core, sizeOf }: CacheRoom): Promise<Listed[]> {
  const records = cache.database.records()
  const byChain = new Map(records.map((record) => [record.chainId, record.id]))
  const ofImages = new Set([...core.database.images.values()].flatMap(({ layers }) => layers.map(({ chainId }) => chainId)))
  const listed: Listed[] = records.map((record) => {
    const layer = cache.database.layer(record.chainId)
    const parent = layer?.parent === undefined ? undefined : byChain.get(layer.parent)
    return {
      ID: record.id,
      Parents: parent === undefined ? [] : [parent],
      Type: record.type,
      Description: record.description,
      InUse: cache.isUsed(record.id),
      Shared: ofImages.has(record.chainId),
      Size: layer?.size ?? 0,
      ...times(record),
      owner: { record },
    }
  })
  for (const mount of cache.database.mounts()) {
    const common = { ID: mount.id.slice(0, 25), Parents: [], Type: 'exec.cachemount' as const, Description: `cached mount ${mount.name}`, InUse: mounts.isUsed(mount.id), Shared: false }
    listed.push({ ...common, Size: await sizeOf(mounts.path(mount)), ...times(mount), owner: { mount } })
  }
  return listed.toSorted((one, other) => (one.CreatedAt < other.CreatedAt ? -1 : 1))
}

function times({ created, used, uses }: Pick<CacheRecord, 'created' | 'used' | 'uses'>): Pick<CacheRecordInfo, 'CreatedAt' | 'LastUsedAt' | 'UsageCount'> {
  return { CreatedAt: new Date(created).toISOString(), LastUsedAt: uses === 0 ? null : new Date(used).toISOString(), UsageCount: uses }
}

/** @throws InvalidParameter for a filter that there is none of */
export function selectCache(listed: readonly Listed[], filters: PruneCache['filters'], now = Date.now()): Listed[] {
  const wanted = [...filters].map(([key, values]) => predicate(key, values, now))
  return listed.filter((record) => wanted.every((suits) => suits(record)))
}

function predicate(key: string, values: ReadonlySet<string>, now: number): (record: Listed) => boolean {
  const has = (text: string): boolean => [...values].some((value) => (value.startsWith('~') ? matches(text, value.slice(1)) : value.startsWith('!') ? text !== value.slice(1) : text === value))
  const flag = (of: (record: Listed) => boolean) => (record: Listed): boolean => [...values].some((value) => of(record) === !/^(0|f|false)$/i.test(value))
  switch (key) {
    case 'until':
    case 'unused-for': {
      if (values.size > 1) throw new GantryError('InvalidParameter', 'filters expect only one value')
      const age = [...values].map((value) => ageOf(value, now)).at(0) ?? 0
      return ({ LastUsedAt, CreatedAt }) => now - Date.parse(LastUsedAt ?? CreatedAt) >= age
    }
    case 'id':
      return ({ ID }) => [...values].some((value) => (/^[~!]/.test(value) ? has(ID) : ID.startsWith(value)))
    case 'parent':
    case 'parents':
      return ({ Parents }) => Parents.some(has)
    case 'type':
      return ({ Type }) => has(Type)
    case 'description':
      return ({ Description }) => [...values].some((value) => (/^[~!]/.test(value) ? has(Description) : Description.includes(value)))
    case 'inuse':
      return flag(({ InUse }) => InUse)
    case 'shared':
      return flag(({ Shared }) => Shared)
    case 'private':
      return flag(({ Shared }) => !Shared)
    case 'mutable':
    case 'immutable':
      return flag(({ Type }) => (Type === 'exec.cachemount') === (key === 'mutable'))
    // As Docker does: `system prune` gives every kind of object the same filters, and no record has labels.
    case 'label':
    case 'label!':
      return () => true
    default:
      throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  }
}

/** A regular expression; what is none is looked for as it stands. */
function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(text)
  } catch {
    return text.includes(pattern)
  }
}

/** A duration, or a moment, in milliseconds before now. */
function ageOf(text: string, now: number): number {
  const age = parseGoDuration(text)
  if (age !== undefined) return age
  const moment = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(moment)) throw new GantryError('InvalidParameter', `invalid filter 'until=${text}'`)
  return now - moment
}

/**
 * Removes what is not in use: least recently used first, until no more than the caps say is left. Without `all` layers that an
 * image has too stay: nothing would be won by them.
 */
export async function pruneCache(room: CacheRoom, { all, filters, ...caps }: PruneCache): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number }> {
  const listed = await listCache(room)
  let kept = listed.reduce((sum, { Size, Shared }) => sum + (Shared ? 0 : Size), 0)
  const candidates = selectCache(listed, filters)
    .filter(({ InUse, Shared }) => !InUse && (all || !Shared))
    .toSorted((one, other) => lastUse(one) - lastUse(other) || (one.CreatedAt > other.CreatedAt ? -1 : 1))
  const keepStorage = bytesToKeep(caps, { used: kept, free: caps.minFreeSpace === undefined ? 0 : await room.freeSpace() })
  const gone: Listed[] = []
  for (const record of candidates) {
    if (keepStorage > 0 && kept <= keepStorage) break
    gone.push(record)
    if (!record.Shared) kept -= record.Size
  }
  await room.cache.remove(gone.flatMap(({ owner }) => ('record' in owner ? [owner.record] : [])))
  for (const { owner } of gone) if ('mount' in owner) await room.mounts.remove(owner.mount)
  return { CachesDeleted: gone.map(({ ID }) => ID), SpaceReclaimed: gone.reduce((sum, { Size, Shared }) => sum + (Shared ? 0 : Size), 0) }
}

/** As much as the caps let stay, and never less than what is reserved; 0: nothing has to. */
export function bytesToKeep({ keepStorage = 0, maxUsedSpace = 0, minFreeSpace = 0 }: Omit<PruneCache, 'all' | 'filters'>, { used, free }: { used: number; free: number }): number {
  if (maxUsedSpace === 0 && minFreeSpace === 0) return keepStorage
  const missing = minFreeSpace - free
  // Enough is free and nothing else is asked for.
  const most = maxUsedSpace === 0 ? Infinity : maxUsedSpace
  return Math.max(1, keepStorage, missing > 0 ? Math.min(most, used - missing) : most)
}

function lastUse({ LastUsedAt, CreatedAt }: Listed): number {
  return Date.parse(LastUsedAt ?? CreatedAt)
}
