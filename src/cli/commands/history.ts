import type { Command } from '../command.ts'
import { type HistoryEntry, historyListing, historyRow } from '../format/history-row.ts'
import { renderList } from '../format/listing.ts'
import { platformQuery } from '../client/platform-query.ts'
import { listFormatFlag, noTruncFlag, platformFlag, quietFlag } from '../grammar/common-flags.ts'

export const historyCommand: Command = {
  path: 'history',
  usage: ['IMAGE'],
  summary: 'Show the history of an image',
  aliases: ['image history', 'history'],
  flags: [
    listFormatFlag,
    { name: 'human', short: 'H', kind: 'boolean', help: 'Print sizes and dates for people', shownDefault: 'true' },
    noTruncFlag,
    platformFlag,
    quietFlag('Show identifiers only'),
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const entries = await context.client.json<HistoryEntry[]>('GET', `/images/${args[0]!}/history`, { query: { platform: platformQuery(flags.string('platform')) } })
    const human = flags.boolean('human', true)
    const rows = entries.map((entry) => historyRow(entry, { truncate: !flags.boolean('no-trunc'), human }))
    const format = flags.boolean('quiet') ? '{{.ID}}' : flags.string('format')
    context.stdout.write(renderList(historyListing(human), rows, format))
  },
}
