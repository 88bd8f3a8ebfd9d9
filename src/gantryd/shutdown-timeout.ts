import { GantryError } from '../lib/errors.ts'

/** Seconds; -1 is for ever. Containers outlive the daemon, so that it is only kept and shown. @throws InvalidParameter */
export function checkShutdownTimeout(value: number): number {
  if (value >= -1) return value
  throw new GantryError('InvalidParameter', `invalid shutdown-timeout: ${value}`)
}
