import { GantryError } from '../lib/errors.ts'
import type { LogOptions } from './contract.ts'

const sizePattern = /^(\d+(?:\.\d+)?|\.\d+) ?([kmgtp])?(i)?b?$/i
const powers = ['', 'k', 'm', 'g', 't', 'p']

/** Bytes of "10m": thousands, as go-units' FromHumanSize counts. @throws InvalidParameter */
export function humanSize(text: string): number {
  return size(text, 1000)
}

/** Bytes of "1m" by 1024, as go-units' RAMInBytes counts. @throws InvalidParameter */
export function memorySize(text: string): number {
  return size(text, 1024)
}

function size(text: string, base: number): number {
  const [, digits, unit = ''] = sizePattern.exec(text) ?? []
  if (digits === undefined) throw invalid(`invalid size: '${text}'`)
  return Math.floor(Number(digits) * base ** powers.indexOf(unit.toLowerCase()))
}

/** @throws InvalidParameter in the words of Go's strconv.Atoi */
export function integer(text: string, parser = 'Atoi'): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`strconv.${parser}: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

const booleans: Record<string, boolean> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false])),
}

/** @throws InvalidParameter in the words of Go's strconv.ParseBool */
export function boolean(text: string): boolean {
  const value = booleans[text]
  if (value === undefined) throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
  return value
}

const durationUnits: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of "1m30s". @throws InvalidParameter in the words of Go's time.ParseDuration */
export function duration(text: string): number {
  if (text === '0') return 0
  if (text === '') throw invalid('time: invalid duration ""')
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy)]
  if (parts.reduce((length, [part]) => length + part.length, 0) !== text.length) {
    const missing = /^[\d.]+$/.test(text)
    throw invalid(`time: ${missing ? 'missing unit in duration' : 'invalid duration'} ${JSON.stringify(text)}`)
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (durationUnits[unit ?? ''] ?? 0), 0)
}

/** An option whose value is missing or empty is as good as not given. */
export function given<T>(options: LogOptions, name: string, parse: (text: string) => T, absent: T): T {
  const text = options[name]
  return text === undefined || text === '' ? absent : parse(text)
}

/** @throws InvalidParameter with `words` for the first option that is none of `known` */
export function refuseUnknown(options: LogOptions, known: ReadonlySet<string>, words: (name: string) => string): void {
  const unknown = Object.keys(options).toSorted().find((name) => !known.has(name))
  if (unknown !== undefined) throw invalid(words(unknown))
}

export function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
