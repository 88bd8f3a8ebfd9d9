import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

/** RFC 1952: an empty member in front of the real one carries the identity of the file in its extra field. */
const fixed = Buffer.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff)
const subfield = 'GL'
const emptyBody = Buffer.of(3, 0)
const longest = 128

export function identityMember(id: string): Buffer {
  const text = Buffer.from(id)
  const head = Buffer.alloc(6)
  head.writeUInt16LE(text.length + 4, 0)
  head.write(subfield, 2, 'latin1')
  head.writeUInt16LE(text.length, 4)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc32(''), 0)
  return Buffer.concat([fixed, head, text, emptyBody, trailer])
}

/** Undefined for a file that somebody else has compressed. */
export async function readIdentity(file: FileHandle): Promise<string | undefined> {
  const bytes = Buffer.alloc(longest)
  const { bytesRead } = await file.read(bytes, 0, longest, 0)
  if (bytesRead < 16 || (bytes[3] as number) !== 4 || bytes.toString('latin1', 12, 14) !== subfield) return undefined
  return bytes.toString('latin1', 16, 16 + bytes.readUInt16LE(14))
}
