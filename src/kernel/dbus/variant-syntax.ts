import { splitSignature } from './value.ts'

/** What a text of GVariant's says, before its types are known. */
export type VariantNode =
  | { kind: 'number' | 'word' | 'text'; text: string }
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'list' | 'tuple' | 'entry'; parts: VariantNode[] }
  | { kind: 'variant'; of: VariantNode }
  | { kind: 'typed'; signature: string; of: VariantNode }

const keywords: Readonly<Record<string, string>> = {
  boolean: 'b', byte: 'y', int16: 'n', uint16: 'q', int32: 'i', uint32: 'u', handle: 'h', int64: 'x', uint64: 't', double: 'd', string: 's', objectpath: 'o', signature: 'g',
}
export const integer = /^([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/
const real = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/

/** Reads a whole text. @throws Error that says what is wrong with it */
export function readVariantText(text: string): VariantNode {
  const reader = new TextReader(text)
  const node = readNode(reader)
  reader.skipSpace()
  if (!reader.atEnd) throw reader.unexpected()
  return node
}

class TextReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  skipSpace(): void {
    this.match(/\s*/y)
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  /** Takes a mark after space, if it is next. */
  take(mark: string): boolean {
    this.skipSpace()
    if (!this.#text.startsWith(mark, this.#at)) return false
    this.#at += mark.length
    return true
  }

  unexpected(): Error {
    return new Error(this.atEnd ? 'it ends too soon' : `unexpected ${JSON.stringify(this.#text[this.#at])} at ${this.#at}`)
  }
}

function readNode(reader: TextReader, depth = 0): VariantNode {
  if (depth > 64) throw new Error('it is nested too deeply')
  const inner = (): VariantNode => readNode(reader, depth + 1)
  const until = (mark: string): VariantNode[] => readParts(reader, mark, inner)
  if (reader.take('[')) return { kind: 'list', parts: until(']') }
  if (reader.take('(')) return { kind: 'tuple', parts: until(')') }
  if (reader.take('{')) return readDictionary(reader, inner)
  if (reader.take('<')) {
    const of = inner()
    if (!reader.take('>')) throw reader.unexpected()
    return { kind: 'variant', of }
  }
  if (reader.take('@')) return { kind: 'typed', signature: oneType(reader.match(/\S*/y) ?? ''), of: inner() }
  const bytes = reader.match(/b(?:'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*")/y)
  if (bytes !== undefined) return { kind: 'bytes', bytes: bytesOf(bytes.slice(2, -1)) }
  const text = reader.match(/'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y)
  if (text !== undefined) return { kind: 'text', text: unescaped(text.slice(1, -1)) }
  const word = reader.match(/[\w.+-]+/y)
  if (word === undefined) throw reader.unexpected()
  const signature = Object.hasOwn(keywords, word) ? keywords[word] : undefined
  if (signature !== undefined) return { kind: 'typed', signature, of: inner() }
  if (word === 'true' || word === 'false') return { kind: 'word', text: word }
  if (integer.test(word) || real.test(word)) return { kind: 'number', text: word }
  throw new Error(`unknown word ${JSON.stringify(word)}`)
}

/** Up to the closing mark; a comma may stand before it, as in a tuple of one. */
function readParts(reader: TextReader, close: string, inner: () => VariantNode): VariantNode[] {
  const parts: VariantNode[] = []
  while (!reader.take(close)) {
    parts.push(inner())
    if (reader.take(',')) continue
    if (reader.take(close)) break
    throw reader.unexpected()
  }
  return parts
}

function readDictionary(reader: TextReader, inner: () => VariantNode): VariantNode {
  const parts: VariantNode[] = []
  while (!reader.take('}')) {
    const key = inner()
    if (reader.take(',') && parts.length === 0) {
      const value = inner()
      if (!reader.take('}')) throw reader.unexpected()
      return { kind: 'entry', parts: [key, value] }
    }
    if (!reader.take(':')) throw reader.unexpected()
    parts.push({ kind: 'entry', parts: [key, inner()] })
    if (reader.take(',')) continue
    if (reader.take('}')) break
    throw reader.unexpected()
  }
  return { kind: 'list', parts }
}

function oneType(signature: string): string {
  if (splitSignature(signature).length !== 1) throw new Error(`${JSON.stringify(signature)} is not one type`)
  return signature
}

const escapes: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\n': '' }

function unescaped(text: string): string {
  return text.replaceAll(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/g, (_, code: string) => (code.length > 1 ? String.fromCodePoint(Number.parseInt(code.slice(1), 16)) : (escapes[code] ?? code)))
}

/** With the zero behind, which a bytestring has. */
function bytesOf(text: string): Buffer {
  const plain = text.replaceAll(/\\([0-7]{1,3}|[^])/g, (_, code: string) => (/^[0-7]/.test(code) ? String.fromCodePoint(Number.parseInt(code, 8) & 0xff) : (escapes[code] ?? code)))
  return Buffer.from(`${plain}\0`, 'latin1')
}
