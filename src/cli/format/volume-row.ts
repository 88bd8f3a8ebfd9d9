import { formatValue, type Value } from '../../lib/go-template/value.ts'
import { labelsText } from './container-row.ts'
import { humanSize } from './human.ts'
import type { Listing, Row } from './listing.ts'

/** One element of GET /volumes. */
export type VolumeSummary = {
  Name: string
  Driver: string
  Scope: string
  Mountpoint: string
  Labels: Record<string, string> | null
  UsageData?: { Size: number; RefCount: number } | null
}

const titles = {
  Name: 'VOLUME NAME', Driver: 'DRIVER', Scope: 'SCOPE', Mountpoint: 'MOUNTPOINT', Labels: 'LABELS', Links: 'LINKS', Size: 'SIZE',
  Availability: 'AVAILABILITY', Group: 'GROUP', Status: 'STATUS',
}

export const volumeListing: Listing = { typeName: '*volume.volumeContext', titles, defaultTable: String.raw`{{.Driver}}\t{{.Name}}` }

export function volumeRow(volume: VolumeSummary): Row {
  const labels = volume.Labels ?? {}
  const usage = volume.UsageData ?? undefined
  return {
    Name: () => volume.Name,
    Driver: () => volume.Driver,
    Scope: () => volume.Scope,
    Mountpoint: () => volume.Mountpoint,
    Labels: () => labelsText(labels),
    Label: (name: Value) => labels[formatValue(name)] ?? '',
    Links: () => (usage === undefined ? 'N/A' : String(usage.RefCount)),
    Size: () => (usage === undefined ? 'N/A' : humanSize(usage.Size)),
    // Of volumes of a swarm.
    Availability: () => 'N/A',
    Group: () => 'N/A',
    Status: () => 'N/A',
  }
}
