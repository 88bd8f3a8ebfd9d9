const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const width = 50

/** The bar that Docker sends beside the numbers, for clients that only show text; empty when nothing has come yet. */
export function progressBar({ current = 0, total = 0 }: { current?: number; total?: number }): string {
  if (current <= 0) return ''
  if (total <= 0 || current > total) return size(current).padStart(8)
  const filled = Math.floor((current / total) * width)
  const bar = filled === width ? '='.repeat(width) + '>' : `${'='.repeat(filled)}>${' '.repeat(width - filled)}`
  return `[${bar}] ${size(current).padStart(8)}/${size(total)}`
}

/** Four significant digits in powers of 1000: "4.261MB". */
function size(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${Number(value.toPrecision(4))}${units[unit]}`
}
