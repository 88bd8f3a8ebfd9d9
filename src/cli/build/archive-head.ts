const tarBlock = 512

/** The first bytes of a stream, and the whole of it. */
export async function peek(source: AsyncIterable<Buffer>): Promise<{ head: Buffer; whole: AsyncIterable<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]()
  const parts: Buffer[] = []
  let size = 0
  while (size < tarBlock) {
    const { value, done } = await iterator.next()
    if (done === true) break
    parts.push(value)
    size += value.length
  }
  const head = Buffer.concat(parts)
  async function* whole(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head
    for (;;) {
      const { value, done } = await iterator.next()
      if (done === true) return
      yield value
    }
  }
  return { head, whole: whole() }
}

/** gzip, bzip2, xz, zstd. */
const magics = ['1f8b08', '425a68', 'fd377a585a00', '28b52ffd'].map((hex) => Buffer.from(hex, 'hex'))

/** Is it an archive and no Dockerfile? A tar is known by the sum of its first header. Source: POSIX.1-2017 pax, "ustar Interchange Format". */
export function compressedOrTar(head: Buffer): boolean {
  if (magics.some((magic) => head.subarray(0, magic.length).equals(magic))) return true
  if (head.length < tarBlock) return false
  const told = Number.parseInt(head.toString('latin1', 148, 156).replaceAll(/[\0 ]/g, ''), 8)
  const sum = head.subarray(0, tarBlock).reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0)
  return told === sum
}
