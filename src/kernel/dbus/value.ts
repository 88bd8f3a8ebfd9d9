/**
 * Values of D-Bus and their binary form, little-endian (D-Bus Specification, "Type System" and "Marshalling"). Without
 * file descriptors.
 */
export type DbusValue = boolean | number | bigint | string | Uint8Array | readonly DbusValue[] | Variant

export interface Variant {
  readonly signature: string
  readonly value: DbusValue
}

const alignments: Readonly<Record<string, number>> = { y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, h: 4, x: 8, t: 8, d: 8, '(': 8, '{': 8 }
const deepest = 64

/** The single complete types of a signature: "sa(sv)u" is "s", "a(sv)", "u". @throws Error for what is no signature */
export function splitSignature(signature: string): string[] {
  const types: string[] = []
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at)
    types.push(signature.slice(at, end))
    at = end
  }
  return types
}

function endOfType(signature: string, at: number, depth = 0): number {
  const code = signature[at] ?? ''
  if (depth > deepest || alignments[code] === undefined) throw new Error(`not a D-Bus signature: ${JSON.stringify(signature)}`)
  if (code === 'a') return endOfType(signature, at + 1, depth + 1)
  if (code !== '(' && code !== '{') return at + 1
  const close = code === '(' ? ')' : '}'
  let next = at + 1
  while (signature[next] !== close) next = endOfType(signature, next, depth + 1)
  return next + 1
}

export class DbusWriter {
  #bytes = Buffer.alloc(256)
  #length = 0

  write(signature: string, values: readonly DbusValue[]): void {
    for (const [index, type] of splitSignature(signature).entries()) this.#value(type, values[index]!)
  }

  align(size: number): void {
    this.#reserve(Math.ceil(this.#length / size) * size - this.#length)
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }

  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(Math.max(this.#bytes.length, size))])
    return at
  }

  #value(type: string, value: DbusValue): void {
    const code = type[0] ?? ''
    this.align(alignments[code] ?? 1)
    if (code === 'y') this.#at(1, (at) => this.#bytes.writeUInt8(Number(value), at))
    else if (code === 'n') this.#at(2, (at) => this.#bytes.writeInt16LE(Number(value), at))
    else if (code === 'q') this.#at(2, (at) => this.#bytes.writeUInt16LE(Number(value), at))
    else if (code === 'b' || code === 'u' || code === 'h') this.#at(4, (at) => this.#bytes.writeUInt32LE(Number(value), at))
    else if (code === 'i') this.#at(4, (at) => this.#bytes.writeInt32LE(Number(value), at))
    else if (code === 'x') this.#at(8, (at) => this.#bytes.writeBigInt64LE(BigInt(value as number | bigint), at))
    else if (code === 't') this.#at(8, (at) => this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as number | bigint)), at))
    else if (code === 'd') this.#at(8, (at) => this.#bytes.writeDoubleLE(Number(value), at))
    else if (code === 's' || code === 'o') this.#text(value as string, 4)
    else if (code === 'g') this.#text(value as string, 1)
    else if (code === 'v') this.#variant(value as Variant)
    else if (code === 'a') this.#array(type.slice(1), value as readonly DbusValue[])
    else this.write(type.slice(1, -1), value as readonly DbusValue[])
  }

  #at(size: number, put: (at: number) => void): void {
    put(this.#reserve(size))
  }

  /** With a length in front, of four bytes or one, and a zero behind. */
  #text(text: string, lengthSize: 1 | 4): void {
    const bytes = Buffer.from(text)
    if (lengthSize === 4) this.#at(4, (at) => this.#bytes.writeUInt32LE(bytes.length, at))
    else this.#at(1, (at) => this.#bytes.writeUInt8(bytes.length, at))
    const at = this.#reserve(bytes.length + 1)
    bytes.copy(this.#bytes, at)
  }

  #variant({ signature, value }: Variant): void {
    this.#text(signature, 1)
    this.write(signature, [value])
  }

  /** The length does not count the padding before the first entry. */
  #array(type: string, values: readonly DbusValue[] | Uint8Array): void {
    const lengthAt = this.#reserve(4)
    this.align(alignments[type[0] ?? ''] ?? 1)
    const start = this.#length
    for (const value of values) this.#value(type, value)
    this.#bytes.writeUInt32LE(this.#length - start, lengthAt)
  }
}

/** Reads what `DbusWriter` writes; structs and dictionary entries become arrays. @throws RangeError for what is cut short */
export class DbusReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  read(signature: string): DbusValue[] {
    return splitSignature(signature).map((type) => this.#value(type))
  }

  align(size: number): void {
    this.#at = Math.ceil(this.#at / size) * size
  }

  get position(): number {
    return this.#at
  }

  #value(type: string): DbusValue {
    const code = type[0] ?? ''
    this.align(alignments[code] ?? 1)
    if (code === 'y') return this.#bytes.readUInt8(this.#skip(1))
    if (code === 'n') return this.#bytes.readInt16LE(this.#skip(2))
    if (code === 'q') return this.#bytes.readUInt16LE(this.#skip(2))
    if (code === 'b') return this.#bytes.readUInt32LE(this.#skip(4)) !== 0
    if (code === 'u' || code === 'h') return this.#bytes.readUInt32LE(this.#skip(4))
    if (code === 'i') return this.#bytes.readInt32LE(this.#skip(4))
    if (code === 'x') return this.#bytes.readBigInt64LE(this.#skip(8))
    if (code === 't') return this.#bytes.readBigUInt64LE(this.#skip(8))
    if (code === 'd') return this.#bytes.readDoubleLE(this.#skip(8))
    if (code === 's' || code === 'o') return this.#text(this.#bytes.readUInt32LE(this.#skip(4)))
    if (code === 'g') return this.#text(this.#bytes.readUInt8(this.#skip(1)))
    if (code === 'v') {
      const signature = this.#text(this.#bytes.readUInt8(this.#skip(1)))
      return { signature, value: this.#value(signature) }
    }
    if (code === 'a') return this.#array(type.slice(1))
    return this.read(type.slice(1, -1))
  }

  #array(type: string): DbusValue[] {
    const length = this.#bytes.readUInt32LE(this.#skip(4))
    this.align(alignments[type[0] ?? ''] ?? 1)
    const end = this.#at + length
    const values: DbusValue[] = []
    while (this.#at < end) values.push(this.#value(type))
    return values
  }

  #text(length: number): string {
    const at = this.#skip(length + 1)
    return this.#bytes.toString('utf8', at, at + length)
  }

  #skip(size: number): number {
    const at = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length) throw new RangeError('D-Bus message is cut short')
    return at
  }
}
