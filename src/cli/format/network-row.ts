import { formatValue, type Value } from '../../lib/go-template/value.ts'
import { labelsText } from './container-row.ts'
import { goTimeExact } from './exact-time.ts'
import { shortId } from './human.ts'
import type { Listing, Row } from './listing.ts'

/** One element of GET /networks. */
export type NetworkSummary = {
  Id: string
  Name: string
  Driver: string
  Scope: string
  Created: string
  Internal: boolean
  EnableIPv4?: boolean
  EnableIPv6: boolean
  Labels: Record<string, string> | null
}

export const networkListing: Listing = {
  typeName: '*formatter.networkContext',
  titles: {
    ID: 'NETWORK ID', Name: 'NAME', Driver: 'DRIVER', Scope: 'SCOPE', IPv4: 'IPV4', IPv6: 'IPV6', Internal: 'INTERNAL',
    Labels: 'LABELS', CreatedAt: 'CREATED AT',
  },
  defaultTable: String.raw`{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}`,
}

export function networkRow(network: NetworkSummary, options: { truncate: boolean }): Row {
  const labels = network.Labels ?? {}
  return {
    ID: () => (options.truncate ? shortId(network.Id) : network.Id),
    Name: () => network.Name,
    Driver: () => network.Driver,
    Scope: () => network.Scope,
    IPv4: () => String(network.EnableIPv4 ?? false),
    IPv6: () => String(network.EnableIPv6),
    Internal: () => String(network.Internal),
    Labels: () => labelsText(labels),
    Label: (name: Value) => labels[formatValue(name)] ?? '',
    CreatedAt: () => goTimeExact(network.Created),
  }
}
