/** A list of quoted strings as Go prints one. */
export function commandWords(words: readonly string[]): string {
  return `[${words.map(goQuoted).join(' ')}]`
}

export function goQuoted(text: string): string {
  return JSON.stringify(text)
}

/** Times and retries of a health check, in the order of Go's struct. */
export function healthText(check: { interval: number; timeout: number; startPeriod: number; startInterval: number; retries: number }): string {
  const times = [check.interval, check.timeout, check.startPeriod, check.startInterval].map((time) => JSON.stringify(goDuration(time)))
  return `${times.join(' ')} '${runeText(check.retries)}'`
}

/** Retries are an integer that history quotes as a character. */
function runeText(value: number): string {
  return value < 32 ? `\\x${value.toString(16).padStart(2, '0')}` : String.fromCodePoint(value)
}

/** Nanoseconds as Go prints a duration. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`
  const seconds = nanoseconds / 1e9
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const rest = `${Number((seconds % 60).toFixed(9))}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}
