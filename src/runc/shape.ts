import { stringifyJson } from '../lib/json.ts'
import { refuse } from './refuse.ts'

/** Says what a value must look like; refuses what does not, naming the field. */
export type Shape = (value: unknown, field: string) => void

export const text: Shape = (value, field) => {
  if (typeof value !== 'string') refuse(field, `${show(value)} is not a string`)
  if (value.includes('\0')) refuse(field, 'it has a NUL byte')
}

export const truth: Shape = (value, field) => {
  if (typeof value !== 'boolean') refuse(field, `${show(value)} is not true or false`)
}

/** An integer within bounds, both included; a bigint for what JavaScript's numbers cannot hold. */
export function integer(least: number | bigint, most: number | bigint): Shape {
  return (value, field) => {
    const whole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
    if (!whole) refuse(field, `${show(value)} is not an integer`)
    if (value < least || value > most) refuse(field, `${value} is not between ${least} and ${most}`)
  }
}

export const u16 = integer(0, 0xffff)
export const u32 = integer(0, 0xffff_ffff)
export const i32 = integer(-0x8000_0000, 0x7fff_ffff)
/** JSON's doubles round the largest ones up by one. */
export const u64 = integer(0, 2n ** 64n)
export const i64 = integer(-(2n ** 63n), 2n ** 63n)
/** Both readings of 64 bits: -1 is the largest. */
export const word64 = integer(-(2n ** 63n), 2n ** 64n)

export function oneOf(names: Iterable<string>, what: string): Shape {
  const known = new Set(names)
  return (value, field) => {
    if (typeof value !== 'string' || !known.has(value)) refuse(field, `${show(value)} is not ${what}`)
  }
}

export function list(item: Shape): Shape {
  return (value, field) => {
    if (!Array.isArray(value)) refuse(field, `${show(value)} is not an array`)
    for (const [index, entry] of value.entries()) item(entry, `${field}[${index}]`)
  }
}

export function map(item: Shape): Shape {
  return (value, field) => {
    for (const [key, entry] of entriesOf(value, field)) {
      if (key.includes('\0')) refuse(field, 'a key has a NUL byte')
      item(entry, `${field}.${key}`)
    }
  }
}

/** Fields that end in "!" must be there. What is not named is let through. */
export function object(fields: Record<string, Shape>): Shape {
  let rows: { name: string; required: boolean; shape: Shape }[] | undefined
  return (value, field) => {
    // Most specifications have few of all fields.
    rows ??= Object.entries(fields).map(([name, shape]) => ({ name: name.replace('!', ''), required: name.endsWith('!'), shape }))
    requireObject(value, field)
    for (const { name, required, shape } of rows) {
      const entry = value[name]
      if (entry === undefined && !required) continue
      const at = field === '' ? name : `${field}.${name}`
      if (entry === undefined) refuse(at, 'it is missing')
      shape(entry, at)
    }
  }
}

/** Go writes absent lists and objects as null. @returns a copy without them, or what has none */
export function withoutNulls<T>(value: T): T {
  return hasNull(value) ? copyWithoutNulls(value) : value
}

function hasNull(value: unknown): boolean {
  if (value === null || value === undefined) return true
  return typeof value === 'object' && Object.values(value).some(hasNull)
}

function copyWithoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyWithoutNulls) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined).map(([key, entry]) => [key, copyWithoutNulls(entry)])) as T
}

function entriesOf(value: unknown, field: string): [string, unknown][] {
  requireObject(value, field)
  return Object.entries(value)
}

function requireObject(value: unknown, field: string): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(field || 'config.json', `${show(value)} is not an object`)
}

function show(value: unknown): string {
  const json = (stringifyJson(value) as string | undefined) ?? String(value)
  return json.length > 80 ? `${json.slice(0, 80)}…` : json
}
