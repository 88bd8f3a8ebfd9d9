import { GantryError } from '../../lib/errors.ts'

const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000_001 }

/**
 * "10m" or "1h30m" back from now, seconds since the epoch, or a date. @returns milliseconds since the epoch
 * @throws InvalidParameter
 */
export function parseTimeLimit(value: string, now: number = Date.now()): number {
  if (/^\d+(\.\d{1,9})?$/.test(value)) return Number(value) * 1000
  const duration = parseDuration(value)
  if (duration !== undefined) return now - duration
  const date = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(date)) throw new GantryError('InvalidParameter', `failed to parse value as time or duration: ${JSON.stringify(value)}`)
  return date
}

/** Go's time.ParseDuration, in milliseconds. */
function parseDuration(value: string): number | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(value)) return undefined
  let total = 0
  for (const [, amount = '0', , unit = 's'] of value.matchAll(/(\d+(\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    total += Number(amount) * (units[unit] ?? 0)
  }
  return total
}
