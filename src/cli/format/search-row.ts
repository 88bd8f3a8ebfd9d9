import type { Listing, Row } from './listing.ts'

/** One element of GET /images/search. */
export type SearchResult = { name: string; description: string; star_count: number; is_official: boolean; is_automated: boolean }

const longestDescription = 45

export const searchListing: Listing = {
  typeName: '*formatter.searchContext',
  titles: { Name: 'NAME', Description: 'DESCRIPTION', StarCount: 'STARS', IsOfficial: 'OFFICIAL', IsAutomated: 'AUTOMATED' },
  defaultTable: String.raw`{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}`,
}

export function searchRow(result: SearchResult, options: { truncate: boolean }): Row {
  const description = result.description.replaceAll('\n', ' ').replaceAll('\r', ' ')
  const isLong = options.truncate && description.length > longestDescription
  return {
    Name: () => result.name,
    Description: () => (isLong ? `${description.slice(0, longestDescription - 1)}…` : description),
    StarCount: () => String(result.star_count),
    IsOfficial: () => (result.is_official ? '[OK]' : ''),
    IsAutomated: () => (result.is_automated ? '[OK]' : ''),
  }
}
