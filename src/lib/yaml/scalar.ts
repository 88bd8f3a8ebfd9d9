/** A value on one line: null, booleans, numbers (YAML 1.2 core schema), quoted and plain text, and flow collections of these. */
export function readFlow(text: string, fail: (reason: string) => never): unknown {
  const reader = new FlowReader(text, fail)
  const value = reader.value('')
  if (!reader.atEnd) fail(`unexpected ${JSON.stringify(reader.rest)}`)
  return value
}

/** What plain text means. */
export function plainScalar(text: string): unknown {
  if (/^(~|null|Null|NULL)?$/.test(text)) return null
  if (/^(true|True|TRUE)$/.test(text)) return true
  if (/^(false|False|FALSE)$/.test(text)) return false
  if (/^[-+]?(0|[1-9]\d*)$/.test(text)) return Number(text)
  // Octal as YAML 1.1 writes it too: modes of files.
  if (/^0o?[0-7]+$/.test(text)) return Number.parseInt(text.replace(/^0o?/, ''), 8)
  if (/^0x[\da-fA-F]+$/.test(text)) return Number.parseInt(text, 16)
  return /^[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : text
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '0': '\0', a: '\u0007', b: '\b', e: '\u001B', f: '\f', v: '\v', '"': '"', '/': '/', '\\': '\\', ' ': ' ' }

class FlowReader {
  #at = 0
  readonly #text: string
  readonly #fail: (reason: string) => never

  constructor(text: string, fail: (reason: string) => never) {
    this.#text = text
    this.#fail = fail
  }

  get rest(): string {
    return this.#text.slice(this.#at)
  }

  get atEnd(): boolean {
    this.#skipSpace()
    return this.#at >= this.#text.length
  }

  /** @param stops characters that end plain text here */
  value(stops: string): unknown {
    this.#skipSpace()
    const first = this.#text[this.#at]
    if (first === '"' || first === "'") return this.#quoted(first)
    if (first === '[') return this.#sequence()
    if (first === '{') return this.#mapping()
    if (first !== undefined && '&*!|>@`%'.includes(first)) this.#fail(`cannot read ${first}: anchors, aliases and tags are not supported`)
    return plainScalar(this.#plain(stops))
  }

  #plain(stops: string): string {
    const start = this.#at
    while (this.#at < this.#text.length && !stops.includes(this.#text[this.#at] as string)) this.#at += 1
    return this.#text.slice(start, this.#at).trim()
  }

  #quoted(quote: string): string {
    let value = ''
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at] as string
      if (character === quote) {
        if (quote !== "'" || this.#text[this.#at + 1] !== "'") {
          this.#at += 1
          return value
        }
        this.#at += 1
        value += "'"
      } else if (character === '\\' && quote === '"') value += this.#escape()
      else value += character
    }
    return this.#fail('a quote is not closed')
  }

  #escape(): string {
    this.#at += 1
    const kind = this.#text[this.#at] ?? ''
    const digits = { x: 2, u: 4, U: 8 }[kind]
    if (digits === undefined) return escapes[kind] ?? this.#fail(`unknown escape \\${kind}`)
    const code = Number.parseInt(this.#text.slice(this.#at + 1, this.#at + 1 + digits), 16)
    if (Number.isNaN(code) || code > 0x10ffff) this.#fail(`bad escape \\${kind}`)
    this.#at += digits
    return String.fromCodePoint(code)
  }

  #sequence(): unknown[] {
    const items: unknown[] = []
    this.#at += 1
    while (!this.#take(']')) {
      items.push(this.value(',]'))
      if (!this.#take(',') && !this.#text.startsWith(']', this.#at)) this.#fail('a sequence is not closed')
    }
    return items
  }

  #mapping(): Record<string, unknown> {
    const entries: [string, unknown][] = []
    this.#at += 1
    while (!this.#take('}')) {
      const key = this.value(':,}')
      entries.push([String(key), this.#take(':') ? this.value(',}') : null])
      if (!this.#take(',') && !this.#text.startsWith('}', this.#at)) this.#fail('a mapping is not closed')
    }
    return Object.fromEntries(entries)
  }

  #take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1
  }
}
