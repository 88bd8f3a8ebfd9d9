import type { OutputStream } from '../attach/stdcopy.ts'

/** One entry of a local log, its text as a range of the buffer it was found in. */
export interface LocalEntry {
  stream: OutputStream
  time: bigint
  lineStart: number
  lineEnd: number
  partial?: { id: string; ordinal: number; last: boolean }
  /** Behind the frame. */
  next: number
}

const wide = 4

/** Where the whole frames in buffer[0, filled) end. */
export function framesEnd(buffer: Buffer, filled: number): number {
  let end = 0
  while (end + wide <= filled) {
    const next = end + buffer.readUInt32BE(end) + 2 * wide
    if (next > filled) break
    end = next
  }
  return end
}

/**
 * The entry whose frame begins at `start`, all of which is in the buffer: a length, LogEntry of Docker's
 * api/types/plugins/logdriver/entry.proto, the length again. Unknown fields are passed over.
 */
export function decodeEntry(buffer: Buffer, start: number): LocalEntry {
  const end = start + wide + buffer.readUInt32BE(start)
  const entry: LocalEntry = { stream: 'stdout', time: 0n, lineStart: end, lineEnd: end, next: end + wide }
  const fields = new Fields(buffer, start + wide, end)
  for (let field = fields.next(); field !== undefined; field = fields.next()) {
    if (field.number === 1) entry.stream = buffer.toString('latin1', field.start, field.end) === 'stderr' ? 'stderr' : 'stdout'
    else if (field.number === 2) entry.time = field.value
    else if (field.number === 3) [entry.lineStart, entry.lineEnd] = [field.start, field.end]
    else if (field.number === 4 && field.value !== 0n) entry.partial ??= { id: '', ordinal: 0, last: false }
    else if (field.number === 5) entry.partial = decodePartial(buffer, field.start, field.end)
  }
  return entry
}

function decodePartial(buffer: Buffer, start: number, end: number): NonNullable<LocalEntry['partial']> {
  const partial = { id: '', ordinal: 0, last: false }
  const fields = new Fields(buffer, start, end)
  for (let field = fields.next(); field !== undefined; field = fields.next()) {
    if (field.number === 1) partial.last = field.value !== 0n
    else if (field.number === 2) partial.id = buffer.toString('utf8', field.start, field.end)
    else if (field.number === 3) partial.ordinal = Number(field.value)
  }
  return partial
}

interface Field {
  number: number
  /** Of a varint. */
  value: bigint
  /** Of bytes. */
  start: number
  end: number
}

/** Protobuf's wire format: varints, 64 bits, bytes, 32 bits. */
class Fields {
  readonly #buffer: Buffer
  readonly #end: number
  #at: number

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer
    this.#at = start
    this.#end = end
  }

  next(): Field | undefined {
    if (this.#at >= this.#end) return undefined
    const key = Number(this.#varint())
    const field: Field = { number: key >> 3, value: 0n, start: this.#at, end: this.#at }
    const type = key & 7
    if (type === 0) field.value = this.#varint()
    else {
      const length = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? Number(this.#varint()) : this.#end
      field.start = this.#at
      field.end = Math.min(this.#at + length, this.#end)
      this.#at = field.end
    }
    return field
  }

  #varint(): bigint {
    let low = 0
    let high = 0n
    for (let shift = 0; this.#at < this.#end; shift += 7) {
      const byte = this.#buffer[this.#at] as number
      this.#at += 1
      if (shift < 28) low |= (byte & 0x7f) << shift
      else high |= BigInt(byte & 0x7f) << BigInt(shift)
      if (byte < 0x80) break
    }
    return high | BigInt(low)
  }
}
