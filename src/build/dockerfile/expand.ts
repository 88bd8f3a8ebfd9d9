import { patternOf } from './shell-pattern.ts'

/** Variables by name; undefined is unset, which `${x-word}` tells from empty. */
export type Variables = (name: string) => string | undefined

export interface Expansion {
  escape: string
  variables: Variables
  /** Called for every name that is not set and has no default. */
  unset?: (name: string) => void
  /** Leaves quotes and escapes in the result (heredocs). */
  keepQuotes?: boolean
  /** Leaves what names a variable that is not set as it is written. */
  keepUnset?: boolean
}

/**
 * Replaces variables in a word of a Dockerfile and takes its quotes away.
 * Source: Dockerfile reference, "Environment replacement": `$x ${x} ${x:-w} ${x-w} ${x:+w} ${x+w} ${x:?w} ${x?w} ${x#p} ${x##p} ${x%p}
 * ${x%%p} ${x/p/w} ${x//p/w}`.
 * @throws Error with the reason
 */
export function expandWord(text: string, expansion: Expansion): string {
  return new WordReader(text, expansion).whole()
}

/** The same, split at blanks outside quotes. A variable's own blanks split too, as a shell does. */
export function expandWords(text: string, expansion: Expansion): string[] {
  return new WordReader(text, expansion).words()
}

class WordReader {
  readonly #text: string
  readonly #expansion: Expansion
  #at = 0
  #words: string[] = []
  #word = ''
  #begun = false

  constructor(text: string, expansion: Expansion) {
    this.#text = text
    this.#expansion = expansion
  }

  whole(): string {
    return this.#read(undefined)
  }

  words(): string[] {
    this.#read(undefined, true)
    this.#endWord()
    return this.#words
  }

  #endWord(): void {
    if (this.#begun) this.#words.push(this.#word)
    this.#word = ''
    this.#begun = false
  }

  /** Reads up to `end`, which is taken; without one, all there is. */
  #read(end: string | undefined, splitting = false): string {
    let result = ''
    const add = (text: string, quoted: boolean): void => {
      result += text
      if (!splitting) return
      if (quoted) {
        this.#word += text
        this.#begun = true
        return
      }
      for (const part of text.split(/(\s+)/)) {
        if (part === '') continue
        if (/^\s/.test(part)) this.#endWord()
        else {
          this.#word += part
          this.#begun = true
        }
      }
    }
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] ?? ''
      if (character === end) {
        this.#at++
        return result
      }
      if (character === "'" && !this.#expansion.keepQuotes) add(this.#singleQuoted(), true)
      else if (character === '"' && !this.#expansion.keepQuotes) add(this.#doubleQuoted(), true)
      else if (character === '$') add(this.#dollar(), false)
      else if (character === this.#expansion.escape) add(this.#escaped(), true)
      else {
        this.#at++
        add(character, false)
      }
    }
    if (end !== undefined) throw new Error(`unexpected end of statement while looking for matching ${end}`)
    return result
  }

  #escaped(): string {
    const next = this.#text[this.#at + 1]
    if (this.#expansion.keepQuotes && next !== '$' && next !== this.#expansion.escape) {
      this.#at++
      return this.#expansion.escape
    }
    this.#at += 2
    return next ?? this.#expansion.escape
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end === -1) throw new Error('unexpected end of statement while looking for matching single-quote')
    const inner = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return inner
  }

  #doubleQuoted(): string {
    this.#at++
    let result = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) throw new Error('unexpected end of statement while looking for matching double-quote')
      if (character === '"') {
        this.#at++
        return result
      }
      if (character === '$') {
        result += this.#dollar()
      } else if (character === this.#expansion.escape) {
        const next = this.#text[this.#at + 1]
        const special = next === '"' || next === '$' || next === this.#expansion.escape
        result += special ? next : character + (next ?? '')
        this.#at += 2
      } else {
        result += character
        this.#at++
      }
    }
  }

  #dollar(): string {
    const start = this.#at++
    const isBraced = this.#text[this.#at] === '{'
    const name = nameAt(this.#text, isBraced ? this.#at + 1 : this.#at)
    if (isBraced) {
      const value = this.#braced()
      return this.#isKept(name) ? this.#text.slice(start, this.#at) : value
    }
    if (name === '') return '$'
    this.#at += name.length
    return this.#isKept(name) ? this.#text.slice(start, this.#at) : (this.#value(name) ?? '')
  }

  #isKept(name: string): boolean {
    return this.#expansion.keepUnset === true && this.#expansion.variables(name) === undefined
  }

  #braced(): string {
    this.#at++
    const name = nameAt(this.#text, this.#at)
    if (name === '') throw new Error(this.#text[this.#at] === '}' ? 'syntax error: bad substitution' : `unsupported modifier (${this.#text.slice(this.#at, this.#at + 1)}) in substitution`)
    this.#at += name.length
    const first = this.#text[this.#at++]
    if (first === '}') return this.#value(name) ?? ''
    if (first === undefined) throw new Error('syntax error: missing \'}\'')
    if (first === ':') {
      const operator = this.#text[this.#at++] ?? ''
      if (!'-+?'.includes(operator) || operator === '') throw new Error(`unsupported modifier (${operator}) in substitution`)
      return this.#alternative(name, { operator, emptyCounts: true })
    }
    if ('-+?'.includes(first)) return this.#alternative(name, { operator: first, emptyCounts: false })
    if (first === '#' || first === '%') return this.#trimmed(name, first)
    if (first === '/') return this.#replaced(name)
    throw new Error(`unsupported modifier (${first}) in substitution`)
  }

  /** @param emptyCounts whether an empty value is taken as unset */
  #alternative(name: string, { operator, emptyCounts }: { operator: string; emptyCounts: boolean }): string {
    const word = this.#read('}')
    const value = this.#expansion.variables(name)
    const absent = value === undefined || (emptyCounts && value === '')
    if (operator === '-') return absent ? word : value
    if (operator === '+') return absent ? '' : word
    if (absent) throw new Error(`${name}: ${word === '' ? 'not allowed to be unset' : word}`)
    return value
  }

  #trimmed(name: string, sign: string): string {
    const greedy = this.#text[this.#at] === sign
    if (greedy) this.#at++
    const pattern = this.#rawUntil('}')
    const value = this.#value(name)
    if (value === undefined) return ''
    return sign === '#' ? withoutPrefix(value, { pattern, greedy }) : withoutSuffix(value, { pattern, greedy })
  }

  #replaced(name: string): string {
    const all = this.#text[this.#at] === '/'
    if (all) this.#at++
    const pattern = this.#rawUntil('/')
    const replacement = this.#read('}')
    const value = this.#value(name)
    if (value === undefined || pattern === '') return value ?? ''
    return value.replace(new RegExp(patternOf(pattern, { greedy: true }), all ? 'gsu' : 'su'), () => replacement)
  }

  /** A pattern: escapes stay for the pattern's own reading, variables are replaced. */
  #rawUntil(end: string): string {
    let result = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) throw new Error(`syntax error: missing '${end}'`)
      if (character === end) {
        this.#at++
        return result
      }
      if (character === '$') {
        result += this.#dollar()
      } else if (character === this.#expansion.escape) {
        result += `\\${this.#text[this.#at + 1] ?? ''}`
        this.#at += 2
      } else {
        result += character
        this.#at++
      }
    }
  }

  #value(name: string): string | undefined {
    const value = this.#expansion.variables(name)
    if (value === undefined) this.#expansion.unset?.(name)
    return value
  }
}

/** A shell name, one digit string, or one special parameter. */
function nameAt(text: string, at: number): string {
  return /^(?:[a-zA-Z_][a-zA-Z0-9_]*|[0-9]+|[@*#?$!-](?=}|$|[^a-zA-Z0-9_{]))/.exec(text.slice(at))?.[0] ?? ''
}

function withoutPrefix(value: string, { pattern, greedy }: { pattern: string; greedy: boolean }): string {
  const match = new RegExp(`^${patternOf(pattern, { greedy })}`, 'su').exec(value)
  return match === null ? value : value.slice(match[0].length)
}

/** A regular expression finds the leftmost match, so the shortest suffix is looked for from the end. */
function withoutSuffix(value: string, { pattern, greedy }: { pattern: string; greedy: boolean }): string {
  const whole = new RegExp(`^${patternOf(pattern, { greedy: true })}$`, 'su')
  const starts = Array.from({ length: value.length + 1 }, (_, index) => index)
  const start = (greedy ? starts : starts.toReversed()).find((index) => whole.test(value.slice(index)))
  return start === undefined ? value : value.slice(0, start)
}
