/**
 * Names in archives are bytes. They become strings without loss: a byte that is no UTF-8 becomes the lone
 * surrogate U+DC00 + byte, as Python's "surrogateescape" does (PEP 383).
 */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text
  let escaped = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    escaped += length === 0 ? String.fromCharCode(0xdc00 + bytes[at]!) : bytes.toString('utf8', at, at + length)
    at += Math.max(length, 1)
  }
  return escaped
}

/** The bytes of a decoded name. */
export function encodeName(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name)
  const parts: Buffer[] = []
  for (const character of name) {
    const code = character.codePointAt(0)!
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character))
  }
  return Buffer.concat(parts)
}

/** What node:fs takes as a path. */
export function fsPath(path: string): string | Buffer {
  return path.isWellFormed() ? path : encodeName(path)
}

function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (length === 0 || at + length > bytes.length) return 0
  const slice = bytes.subarray(at, at + length)
  return Buffer.from(slice.toString('utf8')).equals(slice) ? length : 0
}
