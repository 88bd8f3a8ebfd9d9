/** The lines of a Dockerfile that something is about, marked, with a few around them, as BuildKit shows them; "" without a place. */
export function sourceExcerpt(source: { name: string; text: string }, { start, end }: { start: number; end: number }): string {
  const lines = source.text.split('\n')
  if (start < 1 || start > lines.length) return ''
  const last = Math.min(Math.max(start, end), lines.length)
  const { from, to } = widened(start, last, lines.length)
  const rule = '-'.repeat(20)
  const shown = lines.slice(from - 1, to).map((line, index) => {
    const number = from + index
    return ` ${String(number).padStart(3)} | ${number >= start && number <= last ? '>>>' : '   '} ${line}\n`
  })
  return `${source.name}:${start}\n${rule}\n${shown.join('')}${rule}\n`
}

/** One line gets up to two on each side, several get one; a side that has none leaves its share to the other. */
function widened(start: number, end: number, count: number): { from: number; to: number } {
  let [from, to] = [start, end]
  for (let left = start === end ? 4 : 2; left > 0; left--) {
    if (from > 1) {
      from -= 1
      left -= 1
    }
    if (to < count) {
      to += 1
      left -= 1
    }
  }
  return { from, to }
}
