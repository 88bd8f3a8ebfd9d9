import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { type DiskUsage, diskListing, diskRows } from '../format/disk-row.ts'
import { renderList } from '../format/listing.ts'
import { listFormatFlag } from '../grammar/common-flags.ts'

export const systemDfCommand: Command = {
  path: 'system df',
  usage: [''],
  summary: 'Show how much disk is used',
  flags: [listFormatFlag, { name: 'verbose', short: 'v', kind: 'boolean', help: 'Show every object (not implemented yet)' }],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    if (flags.boolean('verbose')) throw new ExitError('not implemented yet: --verbose')
    const usage = await context.client.json<DiskUsage>('GET', '/system/df')
    context.stdout.write(renderList(diskListing, diskRows(usage), flags.string('format')))
  },
}
