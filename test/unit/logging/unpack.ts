/** A reader of MessagePack, written apart from the sender's writer. Times of fluentd are [seconds, nanoseconds]. */
export function unpackAll(bytes: Buffer): unknown[] {
  let at = 0
  const take = (length: number): Buffer => bytes.subarray(at, (at += length))
  const value = (): unknown => {
    const type = take(1).readUInt8()
    if (type < 0x80) return type
    if (type < 0x90) return map(type & 15)
    if (type < 0xa0) return list(type & 15)
    if (type < 0xc0) return take(type & 31).toString('latin1')
    if (type === 0xce) return take(4).readUInt32BE()
    if (type === 0xd7) return [take(1).readInt8(), take(4).readUInt32BE(), take(4).readUInt32BE()].slice(1)
    if (type === 0xd9) return take(take(1).readUInt8()).toString('latin1')
    if (type === 0xda) return take(take(2).readUInt16BE()).toString('latin1')
    if (type === 0xdb) return take(take(4).readUInt32BE()).toString('latin1')
    if (type === 0xde) return map(take(2).readUInt16BE())
    throw new Error(`type 0x${type.toString(16)}`)
  }
  const list = (length: number): unknown[] => Array.from({ length }, value)
  const map = (length: number): Record<string, unknown> => Object.fromEntries(Array.from({ length }, () => [value() as string, value()]))
  const found: unknown[] = []
  while (at < bytes.length) found.push(value())
  return found
}
