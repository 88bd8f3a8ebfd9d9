import { quote } from '../../lib/go-template/quote.ts'
import { formatValue, type Value } from '../../lib/go-template/value.ts'
import { ellipsis, goTime, humanSize, shortId, timeAgo } from './human.ts'
import type { Listing, Row } from './listing.ts'
import { type Port, portsText } from './ports-text.ts'

/** One element of GET /containers/json. */
export type ContainerSummary = {
  Id: string
  Names: string[]
  Image: string
  ImageID: string
  Command: string
  Created: number
  State: string
  Status: string
  Ports: Port[] | null
  Labels: Record<string, string> | null
  SizeRw?: number
  SizeRootFs?: number
  Mounts?: { Name?: string; Source: string; Driver?: string }[] | null
  NetworkSettings?: { Networks: Record<string, unknown> | null }
}

export const containerListing: Listing = {
  typeName: '*formatter.ContainerContext',
  titles: {
    ID: 'CONTAINER ID', Names: 'NAMES', Image: 'IMAGE', Command: 'COMMAND', CreatedAt: 'CREATED AT', RunningFor: 'CREATED',
    Ports: 'PORTS', State: 'STATE', Status: 'STATUS', Size: 'SIZE', Labels: 'LABELS', Mounts: 'MOUNTS', LocalVolumes: 'LOCAL VOLUMES',
    Networks: 'NETWORKS', Platform: 'PLATFORM',
  },
  failures: { parse: 'failed to parse template', run: 'failed to execute template' },
  defaultTable: String.raw`{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}`,
}

export function containerRow(container: ContainerSummary, options: { truncate: boolean }): Row {
  const { truncate } = options
  const labels = container.Labels ?? {}
  return {
    ID: () => (truncate ? shortId(container.Id) : container.Id),
    Names: () => names(container, truncate),
    Image: () => imageText(container, truncate),
    Command: () => quote(truncate ? ellipsis(container.Command, 20) : container.Command),
    CreatedAt: () => goTime(container.Created),
    RunningFor: () => timeAgo(container.Created),
    Ports: () => portsText(container.Ports ?? []),
    State: () => container.State,
    Status: () => container.Status,
    Size: () => {
      const virtual = container.SizeRootFs ? ` (virtual ${humanSize(container.SizeRootFs, 3)})` : ''
      return humanSize(container.SizeRw ?? 0, 3) + virtual
    },
    Labels: () => labelsText(labels),
    Label: (name: Value) => labels[formatValue(name)] ?? '',
    Mounts: () => mountsText(container, truncate),
    LocalVolumes: () => String((container.Mounts ?? []).filter((mount) => mount.Driver === 'local').length),
    Networks: () => Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
    Platform: () => null,
  }
}

export function labelsText(labels: Record<string, string>): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).toSorted().join(',')
}

function names(container: ContainerSummary, truncate: boolean): string {
  const plain = (container.Names ?? []).map((name) => name.replace(/^\//, ''))
  return (truncate ? plain.filter((name) => !name.includes('/')) : plain).join(',')
}

function imageText(container: ContainerSummary, truncate: boolean): string {
  if (container.Image === '') return '<no image>'
  if (!truncate) return container.Image
  if (container.Image === container.ImageID || container.Image === shortId(container.ImageID)) return shortId(container.ImageID)
  const [named, digest] = container.Image.split('@')
  if (digest === undefined) return container.Image
  // A reference by digest alone shows its name only; a tag stays.
  return named!
}

function mountsText(container: ContainerSummary, truncate: boolean): string {
  return (container.Mounts ?? [])
    .map((mount) => mount.Name || mount.Source)
    .map((name) => (truncate ? ellipsis(name, 15) : name))
    .join(',')
}
