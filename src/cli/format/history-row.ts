import { ellipsis, humanSize, shortId, timeAgo } from './human.ts'
import type { Listing, Row } from './listing.ts'

/** One element of GET /images/{name}/history. */
export type HistoryEntry = { Id: string; Created: number; CreatedBy: string; Size: number; Comment: string }

export function historyListing(human: boolean): Listing {
  const created = human ? '{{.CreatedSince}}' : '{{.CreatedAt}}'
  return {
    typeName: '*formatter.historyContext',
    titles: {
      ID: 'IMAGE', CreatedSince: 'CREATED', CreatedAt: 'CREATED AT', CreatedBy: 'CREATED BY', Size: 'SIZE', Comment: 'COMMENT',
    },
    defaultTable: String.raw`{{.ID}}\t${created}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
  }
}

export function historyRow(entry: HistoryEntry, options: { truncate: boolean; human: boolean }): Row {
  const { truncate, human } = options
  const command = entry.CreatedBy.replaceAll('\t', ' ')
  const createdAt = () => new Date(entry.Created * 1000).toISOString().replace('.000Z', 'Z')
  return {
    ID: () => (truncate ? shortId(entry.Id) : entry.Id),
    CreatedAt: createdAt,
    CreatedSince: () => (human ? timeAgo(entry.Created) : createdAt()),
    CreatedBy: () => (truncate ? ellipsis(command, 45) : command),
    Size: () => (human ? humanSize(entry.Size, 3) : String(entry.Size)),
    Comment: () => entry.Comment,
  }
}
