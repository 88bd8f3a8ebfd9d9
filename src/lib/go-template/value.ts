import { GoDuration } from './duration.ts'

/**
 * What a template works on: JSON values, integers beyond 2^53 as bigint, and objects with methods.
 * `undefined` is Go's "no value" (a missing map key); `null` is nil.
 */
export type Value = null | undefined | boolean | number | bigint | string | Value[] | TemplateObject | GoDuration | ValueMap

export type ValueMap = { [key: string]: Value }

/** An object whose fields are computed, possibly from arguments: `{{.Label "a"}}`. */
export class TemplateObject {
  readonly typeName: string
  readonly methods: Record<string, (...args: Value[]) => Value>

  constructor(typeName: string, methods: Record<string, (...args: Value[]) => Value>) {
    this.typeName = typeName
    this.methods = methods
  }
}

export function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof TemplateObject) && !(value instanceof GoDuration)
}

const nils = new WeakSet<object>()
const structs = new WeakMap<object, readonly (readonly [string, Value])[]>()

/** Has a map print as a Go struct with these fields does: values in order, with the field's zero value for what is not there. */
export function asStruct(map: ValueMap, fields: readonly (readonly [string, Value])[]): ValueMap {
  structs.set(map, fields)
  return map
}

/** An empty list or map that stands for Go's typed nil: prints as empty, encodes as null. */
export function typedNil<T extends Value[] | ValueMap>(empty: T): T {
  nils.add(empty)
  return empty
}

export function isTypedNil(value: object): boolean {
  return nils.has(value)
}

/** Truth as `if` and `and` see it: the zero value of each type, and anything empty, is false. */
export function isTrue(value: Value): boolean {
  if (value === null || value === undefined) return false
  if (Array.isArray(value)) return value.length > 0
  if (isMap(value)) return structs.has(value) || Object.keys(value).length > 0
  if (value instanceof TemplateObject) return true
  if (value instanceof GoDuration) return Boolean(value.nanoseconds)
  return Boolean(value)
}

/** Go's name of a value's kind, for error texts. */
export function kindName(value: Value): string {
  if (value === null || value === undefined) return 'nil'
  if (Array.isArray(value)) return '[]interface {}'
  if (isMap(value)) return 'map[string]interface {}'
  if (value instanceof TemplateObject) return value.typeName
  if (value instanceof GoDuration) return 'time.Duration'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (typeof value === 'bigint') return 'int'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

/** Keys in the order in which Go ranges over and prints a map. */
export function sortedKeys(map: ValueMap): string[] {
  return Object.keys(map).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** The `%v` form of a value. */
export function formatValue(value: Value): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'number') return formatNumber(value)
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`
  const fields = isMap(value) ? structs.get(value) : undefined
  if (fields !== undefined) return `{${fields.map(([name, zero]) => formatValue((value as ValueMap)[name] ?? zero)).join(' ')}}`
  if (isMap(value)) return `map[${sortedKeys(value).map((key) => `${key}:${formatValue(value[key])}`).join(' ')}]`
  if (value instanceof TemplateObject) return `{${value.typeName}}`
  return String(value)
}

/** What arithmetic and comparisons work on. */
export function withoutUnit(value: Value): Value {
  return value instanceof GoDuration ? value.nanoseconds : value
}

function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString()
  const text = Math.abs(value) < 1e-4 || Math.abs(value) >= 1e21 ? value.toExponential() : String(value)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}
