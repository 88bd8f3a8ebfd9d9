import { readFlow } from './scalar.ts'

interface Line {
  number: number
  indent: number
  /** Without indentation and comment. */
  text: string
}

/**
 * Reads the YAML that programs write as configuration: block and flow mappings and sequences, plain and quoted scalars, literal and
 * folded blocks, comments, one document. Anchors, aliases, tags and complex keys are refused rather than guessed.
 * @throws Error `line 3: …`
 */
export function parseYaml(text: string): unknown {
  const reader = new BlockReader(text.replace(/^\uFEFF/, '').split(/\r?\n/))
  const value = reader.node(0)
  reader.expectEnd()
  return value
}

class BlockReader {
  readonly #raw: string[]
  readonly #lines: Line[] = []
  #at = 0

  constructor(raw: string[]) {
    this.#raw = raw
    for (const [index, line] of raw.entries()) {
      if (/^ *\t/.test(line)) throw new Error(`line ${index + 1}: a tab cannot indent`)
      if (/^(---|\.\.\.)\s*$/.test(line)) {
        if (this.#lines.length > 0) break
        continue
      }
      const content = withoutComment(line).trimEnd()
      if (content.trim() !== '') this.#lines.push({ number: index + 1, indent: content.length - content.trimStart().length, text: content.trimStart() })
    }
  }

  /** The node that begins at the present line, which is indented by `least` or more. null when there is none. */
  node(least: number): unknown {
    const line = this.#lines[this.#at]
    if (line === undefined || line.indent < least) return null
    if (isItem(line.text)) return this.#sequence(line.indent)
    if (keyOf(line.text) !== undefined) return this.#mapping(line.indent)
    this.#at += 1
    return this.#scalar(line, line.text, least - 1)
  }

  expectEnd(): void {
    const line = this.#lines[this.#at]
    if (line !== undefined) throw new Error(`line ${line.number}: unexpected ${JSON.stringify(line.text)}`)
  }

  #sequence(indent: number): unknown[] {
    const items: unknown[] = []
    for (let line = this.#lines[this.#at]; line?.indent === indent && isItem(line.text); line = this.#lines[this.#at]) {
      const rest = line.text.slice(1).trimStart()
      const column = indent + line.text.length - rest.length
      if (rest === '') {
        this.#at += 1
        items.push(this.node(indent + 1))
      } else if (isItem(rest) || keyOf(rest) !== undefined) {
        // What follows the dash is a node of its own, indented by where it stands.
        this.#lines[this.#at] = { number: line.number, indent: column, text: rest }
        items.push(this.node(column))
      } else {
        this.#at += 1
        items.push(this.#scalar(line, rest, indent))
      }
    }
    return items
  }

  #mapping(indent: number): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      const found = keyOf(line.text)
      if (found === undefined) throw new Error(`line ${line.number}: expected a key and a colon`)
      if (entries.has(found.key)) throw new Error(`line ${line.number}: key ${JSON.stringify(found.key)} is there twice`)
      this.#at += 1
      entries.set(found.key, found.rest === '' ? this.#below(indent) : this.#scalar(line, found.rest, indent))
    }
    return Object.fromEntries(entries)
  }

  /** A sequence may stand as far left as the key that it belongs to. */
  #below(indent: number): unknown {
    const next = this.#lines[this.#at]
    return next?.indent === indent && isItem(next.text) ? this.#sequence(indent) : this.node(indent + 1)
  }

  #scalar(line: Line, text: string, indent: number): unknown {
    const block = /^([|>])([+-]?)$/.exec(text)
    if (block !== null) return this.#block(line, indent, { folded: block[1] === '>', chomp: block[2] ?? '' })
    const parts = [text]
    for (let next = this.#lines[this.#at]; next !== undefined && next.indent > indent; next = this.#lines[this.#at]) {
      parts.push(next.text)
      this.#at += 1
    }
    return readFlow(parts.join(' '), (reason) => {
      throw new Error(`line ${line.number}: ${reason}`)
    })
  }

  /** "#" is no comment in here, so that it goes by the lines as they are. */
  #block(line: Line, indent: number, { folded, chomp }: { folded: boolean; chomp: string }): string {
    const lines: string[] = []
    let depth: number | undefined
    for (let index = line.number; index < this.#raw.length; index++) {
      const raw = this.#raw[index] as string
      const own = raw.length - raw.trimStart().length
      if (raw.trim() !== '' && own <= indent) break
      if (raw.trim() !== '') depth ??= own
      lines.push(raw.slice(depth ?? 0))
      while ((this.#lines[this.#at]?.number ?? Infinity) <= index + 1) this.#at += 1
    }
    if (chomp !== '+') lines.splice(lines.findLastIndex((each) => each.trim() !== '') + 1)
    const text = folded ? lines.join(' ') : lines.join('\n')
    return chomp === '-' || lines.length === 0 ? text : `${text}\n`
  }
}

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ')
}

/** "key: rest" or "key:"; the key may be quoted. */
function keyOf(text: string): { key: string; rest: string } | undefined {
  const quoted = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*:(?:\s+(.*))?$/.exec(text)
  if (quoted !== null) return { key: String(readFlow(quoted[1] as string, () => '' as never)), rest: quoted[2] ?? '' }
  if (/^[[{"'&*!|>@`%]/.test(text)) return undefined
  const plain = /^(.*?):(?:\s+(.*))?$/.exec(text)
  return plain === null ? undefined : { key: (plain[1] as string).trim(), rest: plain[2] ?? '' }
}

/** A "#" at the beginning or after white space, outside of quotes. */
function withoutComment(line: string): string {
  let quote = ''
  for (let index = 0; index < line.length; index++) {
    const character = line[index] as string
    if (quote !== '') {
      if (quote === '"' && character === '\\') index += 1
      else if (character === quote) quote = ''
    } else if ((character === '"' || character === "'") && /(^|[\s,[{:-])$/.test(line.slice(0, index))) quote = character
    else if (character === '#' && (index === 0 || /\s/.test(line[index - 1] as string))) return line.slice(0, index)
  }
  return line
}
