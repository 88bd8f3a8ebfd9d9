import type { Command } from '../command.ts'
import { filtersQuery } from '../client/filters.ts'
import { containerListing, containerRow, type ContainerSummary } from '../format/container-row.ts'
import { renderList } from '../format/listing.ts'
import { filterFlag, listFormatFlag, noTruncFlag, quietFlag } from '../grammar/common-flags.ts'

export const psCommand: Command = {
  path: 'ps',
  usage: [''],
  summary: 'List containers',
  aliases: ['container ls', 'container list', 'container ps', 'ps'],
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'Show containers in every state, not only running ones' },
    filterFlag,
    listFormatFlag,
    { name: 'last', short: 'n', kind: 'int', help: 'Show the n last created containers, in every state', shownDefault: '-1' },
    { name: 'latest', short: 'l', kind: 'boolean', help: 'Show the last created container, in every state' },
    noTruncFlag,
    quietFlag('Show identifiers only'),
    { name: 'size', short: 's', kind: 'boolean', help: 'Show the sizes of files' },
  ],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const format = flags.string('format')
    const size = flags.boolean('size') || (!flags.has('size') && /\.Size\b/.test(format))
    const last = flags.boolean('latest') && !flags.has('last') ? 1 : flags.number('last', -1)
    const containers = await context.client.json<ContainerSummary[]>('GET', '/containers/json', {
      query: {
        all: flags.boolean('all') || undefined,
        limit: last > 0 ? last : undefined,
        size: size || undefined,
        filters: filtersQuery(flags.list('filter')),
      },
    })
    const rows = containers.map((container) => containerRow(container, { truncate: !flags.boolean('no-trunc') }))
    const sized = size ? String.raw`${containerListing.defaultTable}\t{{.Size}}` : containerListing.defaultTable
    const quiet = flags.boolean('quiet') && (format === '' || format === 'table')
    context.stdout.write(renderList({ ...containerListing, defaultTable: sized }, rows, quiet ? '{{.ID}}' : format))
  },
}
