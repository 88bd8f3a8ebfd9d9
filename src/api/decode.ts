import { GantryError } from '../lib/errors.ts'

/**
 * Decoding of request bodies by Go's rules (encoding/json), because clients rely on them: keys match without regard to
 * case, unknown keys are ignored, null leaves a field unset, a wrong type is an error that names the field.
 * A decoder answers `undefined` for null.
 */
export interface Decoder<T> {
  /** Go's name of the type, for messages. */
  readonly type: string
  decode(value: unknown, at: string): T | undefined
}

export const string: Decoder<string> = scalar('string', (value) => typeof value === 'string')
export const bool: Decoder<boolean> = scalar('bool', (value) => typeof value === 'boolean')
export const int: Decoder<number> = scalar('int64', Number.isInteger)
export const any: Decoder<unknown> = { type: 'interface {}', decode: (value) => value ?? undefined }

/** `map[string]struct{}`: the keys matter. */
export const set: Decoder<Record<string, Record<string, never>>> = map({
  type: 'struct {}',
  decode: (value, at) => (isObject(value) || value === null ? {} : mismatch(value, at, 'struct {}')),
})

/** Docker's strslice: a list of strings, or one string. */
export const words: Decoder<string[]> = {
  type: '[]string',
  decode: (value, at) => (typeof value === 'string' ? [value] : list(string).decode(value, at)),
}

export function list<T>(item: Decoder<T>): Decoder<T[]> {
  const type = `[]${item.type}`
  return {
    type,
    decode(value, at) {
      if (value === null) return undefined
      if (!Array.isArray(value)) return mismatch(value, at, type)
      // Go leaves the zero value where an element is null.
      return value.map((element) => item.decode(element, at) ?? (zero(item.type) as T))
    },
  }
}

export function map<T>(item: Decoder<T>): Decoder<Record<string, T>> {
  const type = `map[string]${item.type}`
  return {
    type,
    decode(value, at) {
      if (value === null) return undefined
      if (!isObject(value)) return mismatch(value, at, type)
      // fromEntries defines own properties, so that a key "__proto__" stays a key.
      return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, item.decode(element, at) as T]))
    },
  }
}

export type Fields<T> = { [K in keyof T]-?: Decoder<Exclude<T[K], null | undefined>> }

export function struct<T extends object>(name: string, fields: Fields<T>): Decoder<T> {
  const byFoldedName = new Map<string, [string, Decoder<unknown>]>()
  for (const [key, decoder] of Object.entries<Decoder<unknown>>(fields)) byFoldedName.set(key.toLowerCase(), [key, decoder])
  return {
    type: name,
    decode(value, at) {
      if (value === null) return undefined
      if (!isObject(value)) return mismatch(value, at, name)
      const result: Record<string, unknown> = {}
      for (const [key, element] of Object.entries(value)) {
        const field = byFoldedName.get(key.toLowerCase())
        if (field === undefined) continue
        const decoded = field[1].decode(element, at === '' ? `${name}.${field[0]}` : `${at}.${field[0]}`)
        if (decoded !== undefined) result[field[0]] = decoded
      }
      return result as T
    },
  }
}

/** Array of a fixed length, `[2]uint` for terminal sizes. */
export const pair: Decoder<[number, number]> = {
  type: '[2]uint',
  decode(value, at) {
    if (value === null) return undefined
    if (!Array.isArray(value)) return mismatch(value, at, '[2]uint')
    const [first, second] = value.map((element) => int.decode(element, at))
    return [first ?? 0, second ?? 0]
  },
}

function scalar<T>(type: string, matches: (value: unknown) => boolean): Decoder<T> {
  return {
    type,
    decode(value, at) {
      if (value === null) return undefined
      return matches(value) ? (value as T) : mismatch(value, at, type)
    },
  }
}

function zero(type: string): unknown {
  if (type === 'string') return ''
  if (type === 'int64') return 0
  return type.startsWith('[]') ? [] : {}
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mismatch(value: unknown, at: string, type: string): never {
  const target = at === '' ? 'value' : `struct field ${at}`
  throw new GantryError('InvalidParameter', `invalid JSON: json: cannot unmarshal ${kindOf(value)} into Go ${target} of type ${type}`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`
  return typeof value
}
