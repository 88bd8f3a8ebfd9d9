import type { Command } from '../command.ts'
import { filtersQuery } from '../client/filters.ts'
import { renderList } from '../format/listing.ts'
import { networkListing, networkRow, type NetworkSummary } from '../format/network-row.ts'
import { filterFlag, listFormatFlag, noTruncFlag, quietFlag } from '../grammar/common-flags.ts'

export const networkLsCommand: Command = {
  path: 'network ls',
  usage: [''],
  summary: 'List networks',
  aliases: ['network ls', 'network list'],
  flags: [filterFlag, listFormatFlag, noTruncFlag, quietFlag('Show identifiers only')],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const networks = await context.client.json<NetworkSummary[]>('GET', '/networks', {
      query: { filters: filtersQuery(flags.list('filter')) },
    })
    const rows = networks
      .toSorted((a, b) => a.Name.localeCompare(b.Name, 'en', { numeric: true }))
      .map((network) => networkRow(network, { truncate: !flags.boolean('no-trunc') }))
    const format = flags.string('format')
    const quiet = flags.boolean('quiet') && (format === '' || format === 'table')
    context.stdout.write(renderList(networkListing, rows, quiet ? '{{.ID}}' : format))
  },
}
