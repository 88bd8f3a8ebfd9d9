import { encodeJson } from '../../lib/go-template/json.ts'
import { TemplateError } from '../../lib/go-template/nodes.ts'
import type { Value } from '../../lib/go-template/value.ts'
import { ExitError } from '../exit-error.ts'
import { containerListing, containerRow, type ContainerSummary } from './container-row.ts'
import { compileObjectTemplate } from './engine-object.ts'
import { goTime, humanSize, shortId, timeAgo } from './human.ts'
import { imageListing, imageRows, type ImageSummary } from './image-row.ts'
import { renderList, type Listing, type Row } from './listing.ts'

/** GET /system/df, object by object. */
export type DiskDetails = {
  Images?: ImageSummary[] | null
  Containers?: ContainerSummary[] | null
  Volumes?: VolumeUsage[] | null
  BuildCache?: CacheRecord[] | null
}

type VolumeUsage = { Name: string; Driver: string; Scope: string; Mountpoint: string; Labels: Record<string, string> | null; UsageData?: { Size: number; RefCount: number } | null }

export type CacheRecord = { ID: string; Type: string; Description: string; InUse: boolean; Shared: boolean; Size: number; CreatedAt: string; LastUsedAt: string | null; UsageCount: number }

const imageColumns = String.raw`{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}`
const containerColumns = String.raw`{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}`

const volumeListing: Listing = {
  typeName: '*formatter.volumeContext',
  titles: { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE', Driver: 'DRIVER', Scope: 'SCOPE', Mountpoint: 'MOUNTPOINT', Labels: 'LABELS' },
  defaultTable: String.raw`{{.Name}}\t{{.Links}}\t{{.Size}}`,
}

export const cacheListing: Listing = {
  typeName: '*formatter.buildCacheContext',
  titles: { ID: 'CACHE ID', CacheType: 'CACHE TYPE', Size: 'SIZE', CreatedSince: 'CREATED', LastUsedSince: 'LAST USED', UsageCount: 'USAGE', Shared: 'SHARED' },
  defaultTable: String.raw`{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}`,
}

/** `system df -v`: four tables, or a template over the four lists. */
export function renderDiskDetails(usage: DiskDetails, format: string): string {
  const rows = (truncate: boolean) => ({
    Images: (usage.Images ?? []).map((image) => imageUsageRow(image, truncate)),
    Containers: (usage.Containers ?? []).map((container) => containerRow({ ...container, SizeRootFs: 0 }, { truncate })),
    Volumes: (usage.Volumes ?? []).map(volumeRow),
    BuildCache: (usage.BuildCache ?? []).map((record) => cacheRow(record, truncate)),
  })
  if (format !== '' && format !== 'table') return byTemplate(rows(false), format)
  const { Images, Containers, Volumes, BuildCache } = rows(true)
  const cached = (usage.BuildCache ?? []).filter((record) => !record.Shared).reduce((sum, record) => sum + record.Size, 0)
  return [
    'Images space usage:\n\n', renderList({ ...imageListing(false), defaultTable: imageColumns }, Images, 'table'),
    '\nContainers space usage:\n\n', renderList({ ...containerListing, defaultTable: containerColumns }, Containers, 'table'),
    '\nLocal Volumes space usage:\n\n', renderList(volumeListing, Volumes, 'table'),
    `\nBuild cache usage: ${humanSize(cached)}\n\n`, renderList(cacheListing, BuildCache, 'table'),
  ].join('')
}

function byTemplate(lists: Record<string, Row[]>, format: string): string {
  const objects = Object.fromEntries(Object.entries(lists).map(([name, rows]) => [name, rows.map(plain)]))
  const json = encodeJson(objects, { escapeHtml: true })
  if (format === 'json') return `${json}\n`
  try {
    return compileObjectTemplate(format)(json)
  } catch (cause) {
    if (cause instanceof TemplateError) throw new ExitError(`template parsing error: ${cause.message}`, 1, { cause })
    throw cause
  }
}

/** An image counts once, by its first name. */
function imageUsageRow(image: ImageSummary, truncate: boolean): Row {
  const [row] = imageRows(image, { truncate, digests: { rows: false, column: false } })
  return { ...row, Digest: () => '', SharedSize: () => humanSize(image.SharedSize), UniqueSize: () => humanSize(image.Size - image.SharedSize) }
}

function plain(row: Row): Record<string, Value> {
  const names = Object.keys(row).filter((name) => row[name]!.length === 0).toSorted((a, b) => (a < b ? -1 : 1))
  return Object.fromEntries(names.map((name) => [name, row[name]!()]))
}

function volumeRow({ Name, Driver, Scope, Mountpoint, Labels, UsageData }: VolumeUsage): Row {
  return {
    Name: () => Name,
    Driver: () => Driver,
    Scope: () => Scope,
    Mountpoint: () => Mountpoint,
    Labels: () => Object.entries(Labels ?? {}).map(([name, value]) => `${name}=${value}`).toSorted().join(','),
    Links: () => (UsageData ? String(UsageData.RefCount) : 'N/A'),
    Size: () => (UsageData ? humanSize(UsageData.Size) : 'N/A'),
  }
}

export function cacheRow(record: CacheRecord, truncate: boolean): Row {
  return {
    ID: () => (truncate ? shortId(record.ID) : record.ID) + (record.InUse ? '*' : ''),
    CacheType: () => record.Type,
    Description: () => record.Description,
    Size: () => humanSize(record.Size, 3),
    CreatedAt: () => goTime(Date.parse(record.CreatedAt) / 1000),
    CreatedSince: () => since(record.CreatedAt),
    LastUsedAt: () => (record.LastUsedAt === null ? '' : goTime(Date.parse(record.LastUsedAt) / 1000)),
    LastUsedSince: () => since(record.LastUsedAt),
    UsageCount: () => String(record.UsageCount),
    InUse: () => String(record.InUse),
    Shared: () => String(record.Shared),
  }
}

function since(time: string | null): string {
  return time === null ? '' : timeAgo(Date.parse(time) / 1000)
}
