import type { Command } from '../command.ts'
import { filtersQuery } from '../client/filters.ts'
import { imageListing, imageRows, type ImageSummary } from '../format/image-row.ts'
import { renderList } from '../format/listing.ts'
import { filterFlag, listFormatFlag, noTruncFlag, quietFlag } from '../grammar/common-flags.ts'

export const imagesCommand: Command = {
  path: 'images',
  usage: ['[REPOSITORY[:TAG]]'],
  summary: 'List images',
  aliases: ['image ls', 'image list', 'images'],
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'Show intermediate images too' },
    { name: 'digests', kind: 'boolean', help: 'Show digests' },
    filterFlag,
    listFormatFlag,
    noTruncFlag,
    quietFlag('Show identifiers only'),
  ],
  args: { min: 0, max: 1 },
  async run(context, { flags, args }) {
    const filters = [...flags.list('filter'), ...args.map((reference) => `reference=${reference}`)]
    const images = await context.client.json<ImageSummary[]>('GET', '/images/json', {
      query: { all: flags.boolean('all') || undefined, filters: filtersQuery(filters) },
    })
    const format = flags.string('format')
    const column = flags.boolean('digests')
    const digests = { rows: column || format.includes('.Digest'), column }
    const rows = images
      .toSorted((a, b) => b.Created - a.Created)
      .flatMap((image) => imageRows(image, { truncate: !flags.boolean('no-trunc'), digests }))
    const quiet = flags.boolean('quiet') && (format === '' || format === 'table')
    context.stdout.write(renderList(imageListing(flags.boolean('digests')), rows, quiet ? '{{.ID}}' : format))
  },
}
