import type { Command } from '../command.ts'
import { renderDiskDetails, type DiskDetails } from '../format/disk-details.ts'
import { type DiskUsage, diskListing, diskRows } from '../format/disk-row.ts'
import { renderList } from '../format/listing.ts'
import { listFormatFlag } from '../grammar/common-flags.ts'

export const systemDfCommand: Command = {
  path: 'system df',
  usage: [''],
  summary: 'Show how much disk is used',
  flags: [listFormatFlag, { name: 'verbose', short: 'v', kind: 'boolean', help: 'Show every object' }],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const usage = await context.client.json<DiskUsage & DiskDetails>('GET', '/system/df')
    const format = flags.string('format')
    context.stdout.write(flags.boolean('verbose') ? renderDiskDetails(usage, format) : renderList(diskListing, diskRows(usage), format))
  },
}
