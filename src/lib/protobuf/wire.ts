import { GantryError } from '../errors.ts'

/** Source: Protocol Buffers, "Encoding". */
export type WireType = 0 | 1 | 2 | 5

/** Reads one message. Every method throws InvalidParameter where the bytes end too early. */
export class WireReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  tag(): { number: number; type: WireType } {
    const tag = this.number()
    const type = tag % 8
    const number = Math.floor(tag / 8)
    if (number === 0 || (type !== 0 && type !== 1 && type !== 2 && type !== 5)) throw malformed('bad tag')
    return { number, type }
  }

  /** A varint below 2^53, or of a negative int; numbers are many times faster than bigints. */
  number(): number {
    const start = this.#at
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    this.#at = start
    return Number(BigInt.asIntN(64, this.varint()))
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw malformed('a number has more than 64 bits')
  }

  bytes(): Buffer {
    const length = this.number()
    if (length < 0 || length > this.#bytes.length - this.#at) throw malformed('unexpected end')
    return this.#take(length)
  }

  skip(type: WireType): void {
    if (type === 0) this.varint()
    else if (type === 2) this.bytes()
    else this.#take(type === 1 ? 8 : 4)
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw malformed('unexpected end')
    this.#at += 1
    return byte
  }

  #take(length: number): Buffer {
    const { buffer, byteOffset } = this.#bytes
    if (this.#at + length > this.#bytes.length) throw malformed('unexpected end')
    const taken = Buffer.from(buffer, byteOffset + this.#at, length)
    this.#at += length
    return taken
  }
}

/** Collects the parts of one message. */
export class WireWriter {
  readonly #parts: Uint8Array[] = []

  varint(number: number, value: bigint | number): void {
    this.#parts.push(encodeVarint(number << 3), encodeVarint(value))
  }

  bytes(number: number, value: Uint8Array): void {
    this.#parts.push(encodeVarint((number << 3) | 2), encodeVarint(value.length), value)
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

/** Negative numbers take ten bytes, as int32 and int64 do. */
function encodeVarint(value: bigint | number): Uint8Array {
  if (typeof value === 'number' && value >= 0 && value < 2 ** 31) return encodeSmall(value)
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

function encodeSmall(value: number): Uint8Array {
  if (value < 0x80) return Uint8Array.of(value)
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

function malformed(reason: string): GantryError {
  return new GantryError('InvalidParameter', `cannot decode message: ${reason}`)
}
