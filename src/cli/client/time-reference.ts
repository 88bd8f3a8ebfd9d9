import { readDuration } from '../grammar/flag-value.ts'

/** `--since` and `--until`: a Go duration back from now, seconds, or RFC 3339 in full or in part; as seconds,
 * with a fraction if the time had one. */
export function timeReference(text: string, now = Date.now()): string | undefined {
  if (text === '') return undefined
  try {
    const nanoseconds = readDuration(text)
    if (text !== '0') return String(Math.floor((now - nanoseconds / 1e6) / 1000))
  } catch {
    // Not a duration.
  }
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d)?)?)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text)
  if (!match) return text
  const [, day, time = '00', fraction = '', zone = ''] = match
  const clock = time.padEnd(8, ':00')
  const milliseconds = Date.parse(`${day}T${clock}${zone}`)
  return `${Math.floor(milliseconds / 1000)}.${fraction.slice(1).padEnd(9, '0').slice(0, 9)}`
}
