import { humanSize } from './human.ts'
import type { Listing, Row } from './listing.ts'

/** GET /system/df, as far as the summary needs it. Sizes are bytes. */
export type DiskUsage = {
  LayersSize?: number
  Images?: { Size: number; SharedSize: number; Containers: number }[] | null
  Containers?: { State: string; SizeRw?: number }[] | null
  Volumes?: { UsageData?: { Size: number; RefCount: number } | null }[] | null
  BuildCache?: { Size: number; InUse: boolean; Shared: boolean }[] | null
}

export const diskListing: Listing = {
  typeName: '*formatter.diskUsageContext',
  titles: { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' },
  defaultTable: String.raw`{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}`,
}

export function diskRows(usage: DiskUsage): Row[] {
  const images = usage.Images ?? []
  const containers = usage.Containers ?? []
  const volumes = (usage.Volumes ?? []).map((volume) => ({ Size: volume.UsageData?.Size ?? 0, RefCount: volume.UsageData?.RefCount ?? 0 }))
  const cache = usage.BuildCache ?? []
  const layers = usage.LayersSize ?? 0
  const inUse = images.filter((image) => image.Containers > 0)
  const written = (list: { SizeRw?: number }[]) => sum(list.map((container) => container.SizeRw ?? 0))
  const size = (list: { Size: number }[]) => sum(list.map((entry) => entry.Size))
  const kept = sum(inUse.filter((image) => image.Size !== -1 && image.SharedSize !== -1).map((image) => image.Size - image.SharedSize))
  const used = volumes.filter((volume) => volume.RefCount > 0)
  const counted = cache.filter((entry) => !entry.Shared)
  return [
    row({ type: 'Images', total: images.length, active: inUse.length, size: layers, reclaimable: withPercent(layers - kept, layers) }),
    row({
      type: 'Containers',
      total: containers.length,
      active: containers.filter(alive).length,
      size: written(containers),
      reclaimable: withPercent(written(containers.filter((container) => !alive(container))), written(containers)),
    }),
    row({
      type: 'Local Volumes',
      total: volumes.length,
      active: used.length,
      size: size(volumes),
      reclaimable: withPercent(size(volumes) - size(used), size(volumes)),
    }),
    row({
      type: 'Build Cache',
      total: cache.length,
      active: cache.filter((entry) => entry.InUse).length,
      size: size(counted),
      reclaimable: humanSize(size(counted.filter((entry) => !entry.InUse))),
    }),
  ]
}

function alive(container: { State: string }): boolean {
  return ['running', 'paused', 'restarting'].includes(container.State)
}

function row(entry: { type: string; total: number; active: number; size: number; reclaimable: string }): Row {
  return {
    Type: () => entry.type,
    TotalCount: () => String(entry.total),
    Active: () => String(entry.active),
    Size: () => humanSize(entry.size),
    Reclaimable: () => entry.reclaimable,
  }
}

function withPercent(reclaimable: number, total: number): string {
  return humanSize(reclaimable) + (total > 0 ? ` (${Math.trunc((reclaimable * 100) / total)}%)` : '')
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
