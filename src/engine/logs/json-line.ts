import type { OutputStream } from '../attach/stdcopy.ts'

/** One record of a json-file log, as byte ranges of the buffer it was found in. */
export interface JsonLine {
  stream: OutputStream
  /** The text is written to `target` by `decodeText`; these are its still escaped bytes. */
  textStart: number
  textEnd: number
  timeStart: number
  timeEnd: number
}

const prefix = Buffer.from('{"log":"')
const suffixes: { stream: OutputStream; bytes: Buffer }[] = [
  { stream: 'stdout', bytes: Buffer.from('","stream":"stdout","time":"') },
  { stream: 'stderr', bytes: Buffer.from('","stream":"stderr","time":"') },
]
const quote = 0x22
const backslash = 0x5c
/** "2006-01-02T15:04:05.000000000+00:00" and what follows it on the line. */
const longestTail = 40

/**
 * Splits a line of the exact form that monitors write: `{"log":"…","stream":"stdout|stderr","time":"…"}`.
 * @returns undefined for any other spelling of the record: that is for JSON.parse
 */
export function scanJsonLine(buffer: Buffer, start: number, end: number): JsonLine | undefined {
  if (buffer[end - 1] !== 0x7d || buffer[end - 2] !== quote) return undefined
  for (let i = 0; i < prefix.length; i += 1) if (buffer[start + i] !== prefix[i]) return undefined
  const timeEnd = end - 2
  let timeStart = timeEnd
  while (timeStart > start && timeEnd - timeStart < longestTail && buffer[timeStart - 1] !== quote) timeStart -= 1
  const suffix = suffixes.find(({ bytes }) => endsAt(buffer, bytes, timeStart))
  if (suffix === undefined) return undefined
  const textStart = start + prefix.length
  const textEnd = timeStart - suffix.bytes.length
  if (textEnd < textStart) return undefined
  return { stream: suffix.stream, textStart, textEnd, timeStart, timeEnd }
}

function endsAt(buffer: Buffer, bytes: Buffer, end: number): boolean {
  const start = end - bytes.length
  if (start < 0) return false
  for (let i = bytes.length - 1; i >= 0; i -= 1) if (buffer[start + i] !== bytes[i]) return false
  return true
}

const simpleEscapes: Record<number, number> = { 0x6e: 10, 0x72: 13, 0x74: 9, 0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x62: 8, 0x66: 12 }

/**
 * Undoes JSON's escapes of source[start, end) into `target` at `offset`; other bytes are kept as they are.
 * `target` needs end - start bytes of room: unescaped text is never longer.
 * @returns the offset behind the text, or -1 when this is not the inside of a JSON string
 */
export function decodeText(source: Buffer, range: { start: number; end: number }, target: Buffer, offset: number): number {
  const { start, end } = range
  let out = offset
  for (let i = start; i < end; i += 1) {
    const byte = source[i] as number
    if (byte === quote) return -1
    if (byte !== backslash) {
      target[out] = byte
      out += 1
      continue
    }
    i += 1
    const escape = i < end ? (source[i] as number) : 0
    const simple = simpleEscapes[escape]
    if (simple !== undefined) {
      target[out] = simple
      out += 1
      continue
    }
    const unit = escape === 0x75 ? hexUnit(source, i + 1, end) : -1
    if (unit < 0) return -1
    i += 4
    const low = isHighSurrogate(unit) && source[i + 1] === backslash && source[i + 2] === 0x75 ? hexUnit(source, i + 3, end) : -1
    const paired = low >= 0xdc00 && low <= 0xdfff
    if (paired) i += 6
    const point = paired ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit
    out = writePoint(target, out, point)
  }
  return out
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function hexUnit(source: Buffer, start: number, end: number): number {
  if (start + 4 > end) return -1
  const digits = source.toString('latin1', start, start + 4)
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1
}

/** UTF-8; a lone surrogate becomes U+FFFD, as in Go and in Node. */
function writePoint(target: Buffer, offset: number, point: number): number {
  const valid = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point
  return offset + target.write(String.fromCodePoint(valid), offset, 'utf8')
}
