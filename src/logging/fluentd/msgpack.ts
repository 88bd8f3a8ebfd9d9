/** As much of MessagePack (msgpack.org) as the forward protocol takes. */

export function packArrayHeader(length: number): Buffer {
  return Buffer.of(0x90 | length)
}

export function packMap(entries: readonly (readonly [string, string | Buffer])[]): Buffer {
  const head = entries.length < 16 ? Buffer.of(0x80 | entries.length) : Buffer.of(0xde, entries.length >> 8, entries.length & 0xff)
  return Buffer.concat([head, ...entries.flatMap(([key, value]) => [packString(key), packString(value)])])
}

/** Bytes that are no UTF-8 stay as they are. */
export function packString(text: string | Buffer): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const { length } = bytes
  const head =
    length < 32 ? Buffer.of(0xa0 | length)
    : length < 256 ? Buffer.of(0xd9, length)
    : length < 65_536 ? Buffer.of(0xda, length >> 8, length & 0xff)
    : Buffer.of(0xdb, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff)
  return Buffer.concat([head, bytes])
}

export function packUint32(value: number): Buffer {
  const bytes = Buffer.alloc(5, 0xce)
  bytes.writeUInt32BE(value, 1)
  return bytes
}

/** The forward protocol's EventTime: extension type 0 of two 32-bit numbers. */
export function packEventTime(time: bigint): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeUInt16BE(0xd700, 0)
  bytes.writeUInt32BE(Number(time / 1_000_000_000n), 2)
  bytes.writeUInt32BE(Number(time % 1_000_000_000n), 6)
  return bytes
}

/** The strings in a sequence of maps of strings, a whole number of which `bytes` may hold; the rest is left. */
export function unpackStrings(bytes: Buffer): { strings: string[]; rest: Buffer } {
  const strings: string[] = []
  let at = 0
  while (at < bytes.length) {
    const type = bytes[at] as number
    if (type >= 0x80 && type <= 0x8f) {
      at += 1
      continue
    }
    const wide = type === 0xd9 ? 1 : type === 0xda ? 2 : 0
    if (wide === 0 && (type & 0xe0) !== 0xa0) throw new Error(`the receiver answers with a value of type 0x${type.toString(16)}`)
    if (at + 1 + wide > bytes.length) break
    const length = wide === 0 ? type & 0x1f : bytes.readUIntBE(at + 1, wide)
    const start = at + 1 + wide
    if (start + length > bytes.length) break
    strings.push(bytes.toString('utf8', start, start + length))
    at = start + length
  }
  return { strings, rest: bytes.subarray(at) }
}
