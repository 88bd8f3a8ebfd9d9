/** " (did you mean x?)" for a word that is close to one of the known ones, else "". */
export function suggestion(word: string, known: readonly string[], prefix = ''): string {
  const close = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= 2)
    .toSorted((one, other) => one.distance - other.distance)[0]
  return close === undefined ? '' : ` (did you mean ${prefix}${close.candidate}?)`
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [i, a] of one.split('').entries()) {
    const next = [i + 1]
    for (const [j, b] of other.split('').entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (a === b ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
