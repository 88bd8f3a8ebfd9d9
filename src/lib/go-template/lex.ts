import type { TemplateError } from './nodes.ts'

export type Token = { type: TokenType; text: string; at: number; spaced: boolean }
export type TokenType =
  | 'text' | 'open' | 'close' | 'field' | 'dot' | 'variable' | 'word' | 'string' | 'number' | 'char'
  | 'pipe' | 'declare' | 'assign' | 'comma' | 'paren' | 'end'

const inside: [TokenType, RegExp][] = [
  ['number', /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.[^']*)'/uy],
  ['pipe', /\|/y],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['comma', /,/y],
  ['paren', /[()]/y],
]

/** Cuts a template into text and the tokens of its actions. */
export function lex(source: string, fail: (at: number, reason: string) => TemplateError): Token[] {
  const tokens: Token[] = []
  let position = 0
  let trimNext = false
  while (position < source.length) {
    const open = source.indexOf('{{', position)
    let text = source.slice(position, open < 0 ? undefined : open)
    if (trimNext) text = text.trimStart()
    const trims = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4))
    if (trims) text = text.trimEnd()
    if (text !== '') tokens.push({ type: 'text', text, at: position, spaced: false })
    if (open < 0) break
    const comment = /\{\{(?:-\s+)?\/\*[^]*?\*\/(?:\s+-)?\}\}/y
    comment.lastIndex = open
    const commented = comment.exec(source)
    if (commented) {
      position = comment.lastIndex
      trimNext = commented[0].endsWith('-}}')
      continue
    }
    tokens.push({ type: 'open', text: '{{', at: open, spaced: false })
    const closed = lexAction(source, open + (trims ? 3 : 2), { tokens, fail })
    position = closed.position
    trimNext = closed.trims
  }
  tokens.push({ type: 'end', text: 'EOF', at: source.length, spaced: false })
  return tokens
}

function lexAction(
  source: string,
  start: number,
  out: { tokens: Token[]; fail: (at: number, reason: string) => TemplateError },
): { position: number; trims: boolean } {
  let position = start
  let spaced = false
  for (;;) {
    const blank = /\s+/y
    blank.lastIndex = position
    if (blank.test(source)) {
      position = blank.lastIndex
      spaced = true
    }
    if (position >= source.length) throw out.fail(position, 'unclosed action')
    const trims = spaced && source.startsWith('-}}', position)
    if (trims || source.startsWith('}}', position)) {
      out.tokens.push({ type: 'close', text: '}}', at: position, spaced })
      return { position: position + (trims ? 3 : 2), trims }
    }
    const token = nextToken(source, position)
    if (!token) throw out.fail(position, badCharacter(source, position))
    out.tokens.push({ ...token, at: position, spaced })
    position += token.text.length
    spaced = false
  }
}

function nextToken(source: string, position: number): { type: TokenType; text: string } | undefined {
  for (const [type, pattern] of inside) {
    pattern.lastIndex = position
    const match = pattern.exec(source)
    if (match) return { type, text: match[0] }
  }
  return undefined
}

function badCharacter(source: string, position: number): string {
  const char = source[position]!
  if (char === '"') return 'unterminated quoted string'
  if (char === '`') return 'unterminated raw quoted string'
  if (char === "'") return 'unterminated character constant'
  const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
  return `unexpected bad character U+${code} '${char}' in command`
}
