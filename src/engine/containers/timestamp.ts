/** What Docker shows for a time that never was. */
export const never = '0001-01-01T00:00:00Z'

/** RFC 3339 with up to nine digits and no trailing zeros (Go's RFC3339Nano). `milliseconds` may have a fraction. */
export function rfc3339Nano(milliseconds: number): string {
  const whole = Math.floor(milliseconds)
  const second = new Date(whole).toISOString()
  const nanoseconds = Math.floor((milliseconds - whole) * 1e6)
  const digits = `${second.slice(20, 23)}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '')
  return `${second.slice(0, 19)}${digits === '' ? '' : `.${digits}`}Z`
}

/** The present, finer than Date. */
export function now(): string {
  return rfc3339Nano(performance.timeOrigin + performance.now())
}
