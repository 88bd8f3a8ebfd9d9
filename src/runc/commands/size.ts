import { GantryError } from '../../lib/errors.ts'

const units: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 }

/** Bytes of "512", "64m", "1.5GiB"; -1 is "no limit". Units are binary ones. */
export function bytesOf(text: string, name: string): number {
  if (text === '-1') return -1
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?$/i.exec(text) ?? []
  const factor = units[unit.toLowerCase()]
  if (number === undefined || factor === undefined) throw new GantryError('InvalidParameter', `invalid value for ${name}: invalid size: '${text}'`)
  return Math.floor(Number(number) * factor)
}
