import { DockerfileError } from './dockerfile-error.ts'
import { suggestion } from './suggestion.ts'

/** What an instruction takes between its keyword and its arguments. */
export type FlagTable = Record<string, 'text' | 'texts' | 'boolean'>

export interface Flags {
  text(name: string): string | undefined
  texts(name: string): string[]
  boolean(name: string): boolean | undefined
  /** What stands behind the flags. */
  rest: string
}

/** @throws DockerfileError for a flag that the instruction does not have */
export function readFlags(text: string, { table, keyword, line }: { table: FlagTable; keyword: string; line: number }): Flags {
  const values = new Map<string, string[]>()
  let rest = text
  for (;;) {
    const [whole = '', word = ''] = /^(--(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)\s*/.exec(rest) ?? []
    if (whole === '') break
    rest = rest.slice(whole.length)
    if (word === '--') break
    const [, name = '', equals = '', value = ''] = /^--([^=]*)(=?)([\s\S]*)$/.exec(word) ?? []
    const kind = table[name]
    if (kind === undefined) throw new DockerfileError(`unknown flag: ${name}${suggestion(name, Object.keys(table))}`, line)
    if (equals === '' && kind !== 'boolean') throw new DockerfileError(`missing a value on flag: --${name}`, line)
    const given = values.get(name) ?? []
    if (given.length > 0 && kind !== 'texts') throw new DockerfileError(`duplicate flag specified: --${name}`, line)
    values.set(name, [...given, equals === '' ? 'true' : unquoted(value)])
  }
  return {
    rest,
    text: (name) => values.get(name)?.[0],
    texts: (name) => values.get(name) ?? [],
    boolean: (name) => {
      const value = values.get(name)?.[0]
      if (value === undefined) return undefined
      if (value !== 'true' && value !== 'false') {
        throw new DockerfileError(`expecting boolean value for flag ${name} of ${keyword}, not: ${value}`, line)
      }
      return value === 'true'
    },
  }
}

/** Flags are words of their own: quotes around the whole value go, variables stay for later. */
function unquoted(value: string): string {
  const [, inner] = /^"((?:\\.|[^"\\])*)"$/.exec(value) ?? []
  return inner?.replaceAll(/\\(["\\])/g, '$1') ?? value
}
