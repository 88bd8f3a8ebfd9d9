import type { Command } from '../command.ts'
import { cacheListing, cacheRow, type CacheRecord } from '../format/disk-details.ts'
import { humanSize } from '../format/human.ts'
import { renderList } from '../format/listing.ts'
import { listFormatFlag } from '../grammar/common-flags.ts'

export const builderDuCommand: Command = {
  path: 'builder du',
  usage: [''],
  aliases: ['builder du', 'buildx du'],
  summary: 'Show what the build cache keeps',
  flags: [listFormatFlag, { name: 'no-trunc', kind: 'boolean', help: 'Do not shorten ids' }],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const format = flags.string('format')
    const { BuildCache } = await context.client.json<{ BuildCache?: CacheRecord[] | null }>('GET', '/system/df', { query: { type: 'build-cache' } })
    const records = BuildCache ?? []
    context.stdout.write(renderList(cacheListing, records.map((record) => cacheRow(record, !flags.boolean('no-trunc'))), format))
    if (format !== '' && format !== 'table') return
    const sum = (wanted: (record: CacheRecord) => boolean): string => humanSize(records.filter(wanted).reduce((bytes, { Size }) => bytes + Size, 0))
    context.stdout.write(`Shared:\t\t${sum(({ Shared }) => Shared)}\nPrivate:\t${sum(({ Shared }) => !Shared)}\nReclaimable:\t${sum(({ InUse, Shared }) => !InUse && !Shared)}\nTotal:\t\t${sum(() => true)}\n`)
  },
}
