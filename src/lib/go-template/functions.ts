import type { TemplateFunction } from './execute.ts'
import { sprint, sprintf } from './printf.ts'
import { formatValue, isMap, isTrue, kindName, type Value, withoutUnit } from './value.ts'

/** The functions predeclared by Go's text/template. */
export const builtinFunctions: Record<string, TemplateFunction> = {
  and: { min: 1, call: (...args) => args.at(-1) },
  or: { min: 1, call: (...args) => args.at(-1) },
  not: { min: 1, max: 1, call: (value) => !isTrue(value) },
  len: { min: 1, max: 1, call: length },
  index: { min: 1, call: (value, ...keys) => keys.reduce(indexOne, value) },
  slice: { min: 1, max: 4, call: slice },
  call: { min: 1, call: (value) => fail(`non-function of type ${kindName(value)}`) },
  print: { min: 0, call: (...args) => sprint(args) },
  printf: { min: 1, call: (format, ...args) => sprintf(text(format), args) },
  println: { min: 0, call: (...args) => `${args.map(formatValue).join(' ')}\n` },
  html: { min: 0, call: (...args) => escapeHtml(plain(args)) },
  js: { min: 0, call: (...args) => escapeScript(plain(args)) },
  urlquery: { min: 0, call: (...args) => escapeQuery(plain(args)) },
  eq: { min: 1, call: (first, ...others) => equalAny(first, others) },
  ne: { min: 2, max: 2, call: (left, right) => !equal(left, right) },
  lt: { min: 2, max: 2, call: (left, right) => compare(left, right) < 0 },
  le: { min: 2, max: 2, call: (left, right) => compare(left, right) <= 0 },
  gt: { min: 2, max: 2, call: (left, right) => compare(left, right) > 0 },
  ge: { min: 2, max: 2, call: (left, right) => compare(left, right) >= 0 },
}

function fail(reason: string): never {
  throw new Error(reason)
}

function text(value: Value): string {
  return typeof value === 'string' ? value : fail(`expected string; found ${formatValue(value)}`)
}

function plain(args: Value[]): string {
  return args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args)
}

function length(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (isMap(value)) return Object.keys(value).length
  return fail(value === null || value === undefined ? 'len of nil pointer' : `len of type ${kindName(value)}`)
}

function indexOne(value: Value, key: Value): Value {
  if (value === null || value === undefined) return fail('index of untyped nil')
  if (isMap(value)) {
    // The JSON maps of the Engine API hold strings far more often than not, and Go's zero value of those is "".
    return typeof key === 'string' ? (Object.hasOwn(value, key) ? value[key] : zeroOf(value)) : fail('value has type int; should be string')
  }
  if (Array.isArray(value) || typeof value === 'string') {
    const size = length(value)
    if (kindName(key) !== 'int') return fail(`cannot index slice/array with type ${kindName(key)}`)
    const at = Number(key)
    if (at < 0 || at >= size) return fail(`index out of range: ${at}`)
    return typeof value === 'string' ? Buffer.from(value)[at] : value[at]
  }
  return fail(`can't index item of type ${kindName(value)}`)
}

function zeroOf(map: { [key: string]: Value }): Value {
  const sample = Object.values(map)[0]
  if (sample === undefined || typeof sample === 'string') return ''
  if (Array.isArray(sample)) return []
  return typeof sample === 'number' ? 0 : typeof sample === 'boolean' ? false : undefined
}

function slice(value: Value, ...bounds: Value[]): Value {
  if (typeof value !== 'string' && !Array.isArray(value)) return fail(`can't slice item of type ${kindName(value)}`)
  const size = length(value)
  for (const bound of bounds) if (Number(bound) < 0 || Number(bound) > size) fail(`index out of range: ${formatValue(bound)}`)
  const start = Number(bounds[0] ?? 0)
  const end = Number(bounds[1] ?? size)
  if (start > end) fail(`invalid slice index: ${start} > ${end}`)
  return typeof value === 'string' ? Buffer.from(value).subarray(start, end).toString() : value.slice(start, end)
}

function family(value: Value): string {
  const kind = kindName(value)
  return kind === 'int' ? 'number' : kind === 'float64' ? 'float' : kind
}

function equalAny(first: Value, others: Value[]): boolean {
  if (others.length === 0) return fail('missing argument for comparison')
  return others.some((other) => equal(withoutUnit(first), withoutUnit(other)))
}

function equal(left: Value, right: Value): boolean {
  const empty = [left, right].some((value) => value === null || value === undefined)
  if (empty) return (left ?? null) === (right ?? null)
  if ([left, right].some((value) => typeof value === 'object')) return fail(`non-comparable type ${formatValue(left)}: ${kindName(left)}`)
  if (family(left) !== family(right)) {
    // A JSON number without a fraction may have been a float: compare by value.
    if (isNumber(left) && isNumber(right)) return Number(left) === Number(right)
    return fail('incompatible types for comparison')
  }
  // oxlint-disable-next-line eqeqeq -- a bigint and a number of the same value are the same Go integer
  return left == right
}

function isNumber(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function compare(one: Value, other: Value): number {
  const [left, right] = [withoutUnit(one), withoutUnit(other)]
  if (isNumber(left) && isNumber(right)) return left < right ? -1 : left > right ? 1 : 0
  if (typeof left === 'string' && typeof right === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right))
  const basic = [left, right].every((value) => ['string', 'boolean'].includes(typeof value) || isNumber(value))
  if (!basic || typeof left === 'boolean') return fail('invalid type for comparison')
  return fail('incompatible types for comparison')
}

function escapeHtml(value: string): string {
  const names: Record<string, string> = { '"': '&#34;', "'": '&#39;', '&': '&amp;', '<': '&lt;', '>': '&gt;', '\0': '\uFFFD' }
  return value.replace(/["'&<>\0]/g, (char) => names[char]!)
}

function escapeScript(value: string): string {
  const plainNames: Record<string, string> = { '\\': '\\\\', "'": "\\'", '"': '\\"' }
  return value.replace(/[\\'"<>&=\0-\x1f\u2028\u2029]/g, (char) => {
    return plainNames[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
  })
}

function escapeQuery(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
