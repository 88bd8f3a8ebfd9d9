import { WireReader, WireWriter } from './wire.ts'
import type { WireType } from './wire.ts'

/**
 * Messages of Protocol Buffers (proto3) as tables of fields: `message({ name: string(1), sizes: repeated(int(2)) })`.
 * What the wire leaves out has proto3's default: "", 0, false, [], {}; a message that is left out is undefined. Fields that a table
 * does not know are skipped, as the language asks.
 */
export interface Message<T> {
  encode(value: Partial<T>): Buffer
  /** @throws InvalidParameter */
  decode(bytes: Uint8Array): T
}

export interface Field<T> {
  readonly number: number
  empty(): T
  write(value: T, writer: WireWriter): void
  /** @returns the value with what was read; undefined where the wire type is not the field's */
  read(reader: WireReader, type: WireType, before: T): T | undefined
}

type Fields = Record<string, Field<never>>
export type ValueOf<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never }

// oxlint-disable-next-line typescript/no-explicit-any -- fields of every type: what each holds is inferred
export function message<F extends Record<string, Field<any>>>(fields: F): Message<ValueOf<F>> {
  const entries = Object.entries(fields as unknown as Fields)
  const byNumber = new Map(entries.map((entry) => [entry[1].number, entry]))
  return {
    encode(value) {
      const writer = new WireWriter()
      for (const [name, field] of entries) {
        const given = (value as Record<string, never>)[name]
        if (given !== undefined) field.write(given, writer)
      }
      return writer.finish()
    },
    decode(bytes) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of entries) value[name] = field.empty()
      const reader = new WireReader(bytes)
      while (!reader.done) {
        const { number, type } = reader.tag()
        const known = byNumber.get(number)
        if (known === undefined) {
          reader.skip(type)
          continue
        }
        const [name, field] = known
        const read = field.read(reader, type, value[name] as never)
        if (read !== undefined) value[name] = read
      }
      return value as ValueOf<F>
    },
  }
}

export type Decoded<M> = M extends Message<infer T> ? T : never

interface Scalar<T> {
  wire: 0 | 2
  empty: T
  encode(value: T): bigint | number | Uint8Array
  read: (reader: WireReader) => T
}

const strings: Scalar<string> = { wire: 2, empty: '', encode: (value) => Buffer.from(value), read: (reader) => reader.bytes().toString() }
const buffers: Scalar<Uint8Array> = { wire: 2, empty: new Uint8Array(0), encode: (value) => value, read: (reader) => reader.bytes() }
const booleans: Scalar<boolean> = { wire: 0, empty: false, encode: (value) => (value ? 1 : 0), read: (reader) => reader.number() !== 0 }
const integers: Scalar<number> = { wire: 0, empty: 0, encode: (value) => Math.trunc(value), read: (reader) => reader.number() }
const bigIntegers: Scalar<bigint> = { wire: 0, empty: 0n, encode: (value) => value, read: (reader) => BigInt.asIntN(64, reader.varint()) }

export const string = (number: number): Field<string> => scalar(number, strings)
export const bytes = (number: number): Field<Uint8Array> => scalar(number, buffers)
export const bool = (number: number): Field<boolean> => scalar(number, booleans)
/** int32, uint32, enum, and int64 whose values stay below 2^53. */
export const int = (number: number): Field<number> => scalar(number, integers)
/** int64 with all of its bits. */
export const int64 = (number: number): Field<bigint> => scalar(number, bigIntegers)
/** A `required` one of proto2, or one whose 0 is no default: always written. */
export const requiredInt = (number: number): Field<number> => ({ ...int(number), write: (value, writer) => writer.varint(number, Math.trunc(value)) })
export const stringList = (number: number): Field<string[]> => list(number, strings)
export const bytesList = (number: number): Field<Uint8Array[]> => list(number, buffers)

function readScalar<T>(reader: WireReader, type: WireType, { wire, read }: Scalar<T>): T | undefined {
  if (type !== wire) {
    reader.skip(type)
    return undefined
  }
  return read(reader)
}

function writeScalar(number: number, writer: WireWriter, encoded: bigint | number | Uint8Array): void {
  if (typeof encoded === 'object') writer.bytes(number, encoded)
  else writer.varint(number, encoded)
}

function scalar<T>(number: number, kind: Scalar<T>): Field<T> {
  return {
    number,
    empty: () => kind.empty,
    write(value, writer) {
      const encoded = kind.encode(value)
      if (typeof encoded === 'object' ? encoded.length > 0 : encoded !== 0 && encoded !== 0n) writeScalar(number, writer, encoded)
    },
    read: (reader, type) => readScalar(reader, type, kind),
  }
}

function list<T>(number: number, kind: Scalar<T>): Field<T[]> {
  return {
    number,
    empty: () => [],
    write: (values, writer) => values.forEach((value) => writeScalar(number, writer, kind.encode(value))),
    read(reader, type, before) {
      const value = readScalar(reader, type, kind)
      if (value !== undefined) before.push(value)
      return before
    },
  }
}

const asBytes = <T>(inner: Message<T>): Scalar<T | undefined> => ({ wire: 2, empty: undefined, encode: (value) => inner.encode(value as Partial<T>), read: (reader) => inner.decode(reader.bytes()) })

export function nested<T>(number: number, inner: Message<T>): Field<T | undefined> {
  const kind = asBytes(inner)
  return { number, empty: () => undefined, write: (value, writer) => value !== undefined && writer.bytes(number, inner.encode(value)), read: (reader, type) => readScalar(reader, type, kind) }
}

export function repeated<T>(number: number, inner: Message<T>): Field<T[]> {
  return list(number, asBytes(inner) as Scalar<T>)
}

/** map<string, string>. */
export const stringMap = (number: number): Field<Record<string, string>> => map(number, string)
/** map<string, bytes>. */
export const bytesMap = (number: number): Field<Record<string, Uint8Array>> => map(number, bytes)
/** map<string, message>. */
export const nestedMap = <T>(number: number, inner: Message<T>): Field<Record<string, T>> => map(number, (field) => nested(field, inner) as Field<T>)

function map<T>(number: number, value: (number: number) => Field<T>): Field<Record<string, T>> {
  const entry = message({ key: string(1), value: value(2) }) as Message<{ key: string; value: T }>
  return {
    number,
    empty: () => Object.create(null) as Record<string, T>,
    write: (record, writer) => Object.keys(record).forEach((key) => writer.bytes(number, entry.encode({ key, value: record[key]! }))),
    read(reader, type, before) {
      const read = readScalar(reader, type, asBytes(entry))
      if (read !== undefined) before[read.key] = read.value
      return before
    },
  }
}

const instant = message({ seconds: int(1), nanos: int(2) })

/** google.protobuf.Timestamp, as milliseconds since the epoch with fractions; undefined where left out. */
export function timestamp(number: number): Field<number | undefined> {
  return {
    number,
    empty: () => undefined,
    write(value, writer) {
      if (value === undefined) return
      const seconds = Math.floor(value / 1000)
      writer.bytes(number, instant.encode({ seconds, nanos: Math.min(999_999_999, Math.round((value - seconds * 1000) * 1e6)) }))
    },
    read(reader, type) {
      const read = readScalar(reader, type, asBytes(instant))
      return read === undefined ? undefined : read.seconds * 1000 + read.nanos / 1e6
    },
  }
}
