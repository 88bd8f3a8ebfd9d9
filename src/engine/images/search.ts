import type { Credentials, Distribution, SearchResult } from '../../containerd/distribution/contract.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Filters } from '../engine.ts'
import { booleanFilter } from './filter.ts'

const most = 100
const usual = 25
const known = new Set(['is-automated', 'is-official', 'stars'])

/** `docker search`: the registry's answer, narrowed by the filters. */
export async function searchImages(
  distribution: Pick<Distribution, 'search'>,
  request: { term: string; limit: number; filters: Filters; credentials: Credentials },
): Promise<SearchResult[]> {
  const { term, filters, credentials } = request
  for (const key of filters.keys()) if (!known.has(key)) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  const limit = request.limit || usual
  if (limit < 1 || limit > most) throw new GantryError('InvalidParameter', `limit ${limit} is outside the range of [1, ${most}]`)
  const official = flag(filters, 'is-official')
  const automated = flag(filters, 'is-automated')
  const stars = Math.max(0, ...[...(filters.get('stars') ?? [])].map(starCount))
  const results = await distribution.search({ term, limit, credentials })
  return results.filter(
    (each) =>
      (official === undefined || each.is_official === official) && (automated === undefined || each.is_automated === automated) && each.star_count >= stars,
  )
}

function flag(filters: Filters, name: string): boolean | undefined {
  const [value] = filters.get(name) ?? []
  return value === undefined ? undefined : booleanFilter(name, value)
}

function starCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new GantryError('InvalidParameter', `invalid filter 'stars=${text}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
}
