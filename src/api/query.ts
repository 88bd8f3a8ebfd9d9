import { GantryError } from '../lib/errors.ts'
import type { Filters } from '../engine/engine.ts'

const falseWords = new Set(['', '0', 'no', 'false', 'none'])

/** Query parameters, read by Docker's rules. All errors are InvalidParameter. */
export class Query {
  readonly #values: URLSearchParams

  constructor(text: string) {
    this.#values = new URLSearchParams(text)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** Empty when absent. */
  string(name: string): string {
    return this.#values.get(name) ?? ''
  }

  /** Undefined when absent or empty. */
  optional(name: string): string | undefined {
    return this.#values.get(name) || undefined
  }

  strings(name: string): string[] {
    return this.#values.getAll(name)
  }

  /** "", 0, no, false and none are false, anything else is true. */
  bool(name: string, absent = false): boolean {
    const value = this.#values.get(name)
    return value === null ? absent : !falseWords.has(value.trim().toLowerCase())
  }

  /** Undefined when absent or empty. */
  int(name: string): number | undefined {
    const value = this.#values.get(name)
    if (value === null || value === '') return undefined
    if (!/^[+-]?\d+$/.test(value)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`)
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(value)}: value out of range`)
    return number
  }

  /** Columns and rows of a terminal, `w` and `h`; both are needed. */
  size(): { width: number; height: number } {
    return { width: this.#unsigned('w'), height: this.#unsigned('h') }
  }

  /** "seconds[.fraction]" or RFC 3339, as milliseconds since the epoch. Undefined when absent, empty or 0. */
  time(name: string): number | undefined {
    const nanoseconds = this.nanoseconds(name)
    return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6
  }

  /** As `time`, since the epoch and exact. */
  nanoseconds(name: string): bigint | undefined {
    const value = this.#values.get(name)
    if (value === null || value === '' || value === '0') return undefined
    const seconds = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(value)
    if (seconds !== null) {
      const size = BigInt(seconds[2]!) * 1_000_000_000n + BigInt((seconds[3] ?? '').padEnd(9, '0'))
      return seconds[1] === '-' ? -size : size
    }
    const milliseconds = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN
    if (Number.isNaN(milliseconds)) throw invalid(`invalid value for "${name}": failed to parse value as time or duration: ${JSON.stringify(value)}`)
    return BigInt(milliseconds) * 1_000_000n
  }

  /** JSON: {"key": {"value": true}}, or {"key": ["value"]} of older clients. */
  filters(): Filters {
    const text = this.#values.get('filters')
    const result = new Map<string, ReadonlySet<string>>()
    if (text === null || text === '') return result
    const decoded = parseJson(text)
    if (decoded === null) return result
    if (typeof decoded !== 'object' || Array.isArray(decoded)) throw invalid('invalid filter')
    for (const [key, values] of Object.entries(decoded)) result.set(key, filterValues(values))
    return result
  }

  #unsigned(name: string): number {
    const value = this.string(name)
    if (!/^\d+$/.test(value) || Number(value) > 0xffff_ffff) {
      throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`)
    }
    return Number(value)
  }
}

function filterValues(values: unknown): ReadonlySet<string> {
  if (values === null) return new Set()
  if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return new Set(values)
  if (typeof values === 'object' && !Array.isArray(values)) {
    const entries = Object.entries(values as Record<string, unknown>)
    if (entries.every(([, set]) => typeof set === 'boolean')) return new Set(entries.map(([value]) => value))
  }
  throw invalid('invalid filter')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new GantryError('InvalidParameter', 'invalid filter', { cause: error })
  }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
