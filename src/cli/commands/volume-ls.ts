import type { Command } from '../command.ts'
import { filtersQuery } from '../client/filters.ts'
import { renderList } from '../format/listing.ts'
import { volumeListing, volumeRow, type VolumeSummary } from '../format/volume-row.ts'
import { filterFlag, listFormatFlag, quietFlag } from '../grammar/common-flags.ts'

export const volumeLsCommand: Command = {
  path: 'volume ls',
  usage: [''],
  summary: 'List volumes',
  aliases: ['volume ls', 'volume list'],
  flags: [filterFlag, listFormatFlag, quietFlag('Show names only')],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const { Volumes, Warnings } = await context.client.json<{ Volumes: VolumeSummary[] | null; Warnings: string[] | null }>('GET', '/volumes', {
      query: { filters: filtersQuery(flags.list('filter')) },
    })
    for (const warning of Warnings ?? []) context.stderr.write(`${warning}\n`)
    const rows = (Volumes ?? []).toSorted((a, b) => a.Name.localeCompare(b.Name, 'en', { numeric: true })).map(volumeRow)
    const format = flags.string('format')
    const quiet = flags.boolean('quiet') && (format === '' || format === 'table')
    context.stdout.write(renderList(volumeListing, rows, quiet ? '{{.Name}}' : format))
  },
}
