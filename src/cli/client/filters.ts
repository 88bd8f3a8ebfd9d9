import { GrammarError } from '../grammar/parse-flags.ts'

/** `--filter a=b` words as the Engine API takes them; undefined for none. */
export function filtersQuery(words: string[]): string | undefined {
  if (words.length === 0) return undefined
  const filters: Record<string, Record<string, true>> = {}
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals < 0) {
      throw new GrammarError(`invalid argument ${JSON.stringify(word)} for "-f, --filter" flag: bad format of filter (expected name=value)`)
    }
    const name = word.slice(0, equals).trim().toLowerCase()
    filters[name] = { ...filters[name], [word.slice(equals + 1).trim()]: true }
  }
  return JSON.stringify(filters)
}
