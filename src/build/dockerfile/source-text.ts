import { DockerfileError } from './dockerfile-error.ts'

/** One instruction as it stands in the file: continuation lines joined, comments inside left out, heredocs taken along. */
export interface SourceInstruction {
  /** Upper case. */
  keyword: string
  /** Of the file. */
  escape: string
  /** What follows the keyword, trimmed. */
  rest: string
  /** The whole instruction on one line, for messages. */
  original: string
  heredocs: Heredoc[]
  /** 1-based, inclusive. */
  start: number
  end: number
  /** Comment lines directly above, without "#". */
  comments: string[]
  /** Lines inside a continuation that were empty. */
  emptyLines: number[]
}

/** Shell-like here-document of RUN, COPY and ADD. */
export interface Heredoc {
  name: string
  /** With the delimiter unquoted, variables are expanded (by COPY and ADD; RUN leaves that to its shell). */
  expand: boolean
  /** "<<-": leading tabs are cut. */
  chomp: boolean
  /** Number of the file descriptor, 0 unless given. */
  descriptor: number
  content: string
}

export interface Directive {
  name: 'syntax' | 'escape' | 'check'
  value: string
  line: number
}

export interface SourceText {
  directives: Directive[]
  escape: '\\' | '`'
  instructions: SourceInstruction[]
  lines: string[]
}

const directivePattern = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/
const known = new Set(['syntax', 'escape', 'check'])
const takesHeredoc = new Set(['RUN', 'COPY', 'ADD'])
const heredocWord = /^(\d*)<<(-?)([^<]+)$/

/**
 * Splits a Dockerfile into directives and instructions.
 * Source: Dockerfile reference, "Format", "Parser directives", "Here-Documents".
 * @throws DockerfileError with the line
 */
export function readSource(text: string): SourceText {
  const whole = text.replace(/^\uFEFF/, '').split('\n')
  const lines = whole.map((line) => line.replace(/\r$/, ''))
  if (lines.at(-1) === '') lines.pop()
  const directives = readDirectives(lines)
  const escape = escapeOf(directives)
  const instructions: SourceInstruction[] = []
  let comments: string[] = []
  for (let index = 0; index < lines.length; ) {
    const line = lines[index] ?? ''
    if (isComment(line)) {
      comments.push(line.trim().slice(1).trim())
      index++
    } else if (line.trim() === '') {
      comments = []
      index++
    } else {
      const instruction = readInstruction(lines, index, { escape, comments, whole })
      instructions.push(instruction)
      comments = []
      index = instruction.end
    }
  }
  return { directives, escape, instructions, lines }
}

/** They stand before everything else, comments included; the first line that is none ends them. */
function readDirectives(lines: readonly string[]): Directive[] {
  const found: Directive[] = []
  for (const [index, line] of lines.entries()) {
    const [, rawName = '', value = ''] = directivePattern.exec(line.trim()) ?? []
    const name = rawName.toLowerCase()
    if (!known.has(name)) break
    if (found.some((other) => other.name === name)) throw new DockerfileError(`only one ${name} parser directive can be used`, index + 1)
    found.push({ name: name as Directive['name'], value, line: index + 1 })
  }
  return found
}

function escapeOf(directives: readonly Directive[]): '\\' | '`' {
  const directive = directives.find(({ name }) => name === 'escape')
  if (directive === undefined) return '\\'
  if (directive.value !== '\\' && directive.value !== '`') {
    throw new DockerfileError(`invalid escape token '${directive.value}' does not match \` or \\`, directive.line)
  }
  return directive.value
}

function readInstruction(lines: readonly string[], start: number, { escape, comments, whole }: { escape: string; comments: string[]; whole: readonly string[] }): SourceInstruction {
  const emptyLines: number[] = []
  let joined = ''
  let index = start
  for (let more = true; more && index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (index > start && isComment(line)) continue
    if (index > start && line.trim() === '') {
      emptyLines.push(index + 1)
      continue
    }
    const { text, continues } = withoutContinuation(index === start ? line.trimStart() : line, escape)
    joined += text
    more = continues
  }
  const original = joined.trim()
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(original) ?? []
  const keyword = word.toUpperCase()
  const heredocs = opensHeredocs(keyword, rest) ? readHeredocs(lines, { rest, from: index, line: start + 1, whole }) : { list: [], end: index }
  return { keyword, escape, rest: rest.trim(), original, heredocs: heredocs.list, start: start + 1, end: heredocs.end, comments, emptyLines }
}

/** A trigger's heredocs stand below ONBUILD. */
function opensHeredocs(keyword: string, rest: string): boolean {
  const word = keyword === 'ONBUILD' ? (rest.split(/\s/)[0] ?? '').toUpperCase() : keyword
  return takesHeredoc.has(word)
}

/** An escape that is escaped itself is a character of the line. */
function withoutContinuation(line: string, escape: string): { text: string; continues: boolean } {
  const trimmed = line.trimEnd()
  const continues = trimmed.endsWith(escape) && !trimmed.endsWith(escape + escape)
  return { text: continues ? trimmed.slice(0, -1) : line, continues }
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith('#')
}

function readHeredocs(lines: readonly string[], { rest, from, line, whole }: { rest: string; from: number; line: number; whole: readonly string[] }): { list: Heredoc[]; end: number } {
  const list: Heredoc[] = []
  let index = from
  for (const word of plainWords(rest)) {
    const heredoc = heredocOf(word)
    if (heredoc === undefined) continue
    const content: string[] = []
    for (;;) {
      const text = lines[index++]
      if (text === undefined) throw new DockerfileError('unterminated heredoc', line)
      if ((heredoc.chomp ? text.replace(/^\t+/, '') : text) === heredoc.name) break
      // Content keeps the line ends that it has.
      const kept = whole[index - 1] ?? text
      content.push(`${heredoc.chomp ? kept.replace(/^\t+/, '') : kept}\n`)
    }
    list.push({ ...heredoc, content: content.join('') })
  }
  return { list, end: index }
}

/** The heredoc that a word opens, if it does. */
export function heredocOf(word: string): Omit<Heredoc, 'content'> | undefined {
  const [, descriptor = '', dash = '', delimiter = ''] = heredocWord.exec(word) ?? []
  if (delimiter === '') return undefined
  const name = delimiter.replaceAll(/["']/g, '').replaceAll(/\\(.)/g, '$1')
  if (name === '' || !/^[^\s|&;()<>]+$/.test(name)) return undefined
  return { name, expand: name === delimiter, chomp: dash === '-', descriptor: Number(descriptor || 0) }
}

/** Words at blanks outside quotes, quotes kept. */
export function plainWords(text: string, escape = '\\'): string[] {
  if (escape === '`') return text.match(/(?:"(?:`.|[^"`])*"?|'[^']*'?|`.|[^\s"'`])+/g) ?? []
  return text.match(/(?:"(?:\\.|[^"\\])*"?|'[^']*'?|\\.|[^\s"'\\])+/g) ?? []
}
