import { DockerfileError } from './dockerfile-error.ts'
import type { SourceInstruction } from './source-text.ts'
import { plainWords } from './source-text.ts'

/** "a=b c='d e'", or the older "name everything else". */
export function readPairs({ keyword, rest, start, escape }: SourceInstruction): { pairs: { name: string; value: string }[]; legacy: boolean } {
  if (rest === '') throw new DockerfileError(`${keyword} requires at least one argument`, start)
  const words = plainWords(rest, escape)
  if (!(words[0] ?? '').includes('=')) {
    const [, name = '', value = ''] = /^(\S+)\s+([\s\S]+)$/.exec(rest) ?? []
    if (name === '') throw new DockerfileError(`${keyword} must have two arguments`, start)
    return { pairs: [{ name, value }], legacy: true }
  }
  const pairs = words.map((word) => {
    const equals = word.indexOf('=')
    if (equals === -1) throw new DockerfileError(`Syntax error - can't find = in "${word}". Must be of the form: name=value`, start)
    if (equals === 0) throw new DockerfileError(`${keyword} names can not be blank`, start)
    return { name: word.slice(0, equals), value: word.slice(equals + 1) }
  })
  return { pairs, legacy: false }
}
