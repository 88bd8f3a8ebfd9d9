import type { Command } from '../command.ts'
import { filtersQuery } from '../client/filters.ts'
import { CredentialStore } from '../credentials/credential-store.ts'
import { renderList } from '../format/listing.ts'
import { searchListing, searchRow, type SearchResult } from '../format/search-row.ts'
import { filterFlag, listFormatFlag, noTruncFlag } from '../grammar/common-flags.ts'

export const searchCommand: Command = {
  path: 'search',
  usage: ['TERM'],
  summary: 'Search a registry for images',
  flags: [filterFlag, listFormatFlag, { name: 'limit', kind: 'int', help: 'Show at most so many' }, noTruncFlag],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const [term = ''] = args
    const results = await context.client.json<SearchResult[]>('GET', '/images/search', {
      query: { term, limit: flags.number('limit') || undefined, filters: filtersQuery(flags.list('filter')) },
      headers: await new CredentialStore(context.configDirectory).headerFor(term),
    })
    const rows = results.toSorted((a, b) => b.star_count - a.star_count).map((each) => searchRow(each, { truncate: !flags.boolean('no-trunc') }))
    context.stdout.write(renderList(searchListing, rows, flags.string('format')))
  },
}
