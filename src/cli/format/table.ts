/**
 * Aligns tab-separated cells: within a run of neighbouring lines that all have a column, that column is as wide as its
 * widest cell plus three, and ten at least. The last cell of a line is not padded.
 */
export function alignColumns(text: string, options: { minimumWidth?: number; padding?: number } = {}): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  alignFrom(lines, { first: 0, last: lines.length, column: 0, minimumWidth: options.minimumWidth ?? 10, padding: options.padding ?? 3 })
  return lines.map((cells) => cells.join('')).join('\n')
}

function alignFrom(lines: string[][], block: { first: number; last: number; column: number; minimumWidth: number; padding: number }): void {
  const { column, minimumWidth, padding } = block
  const hasColumn = (line: number) => line < block.last && lines[line]!.length > column + 1
  for (let line = block.first; line < block.last; line++) {
    if (!hasColumn(line)) continue
    const first = line
    while (hasColumn(line)) line++
    const run = lines.slice(first, line)
    const width = Math.max(minimumWidth, ...run.map((cells) => Array.from(cells[column]!).length + padding))
    alignFrom(lines, { first, last: line, column: column + 1, minimumWidth, padding })
    for (const cells of run) cells[column] += ' '.repeat(width - Array.from(cells[column]!).length)
  }
}
