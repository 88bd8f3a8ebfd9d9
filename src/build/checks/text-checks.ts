import type { Dockerfile } from '../dockerfile/dockerfile.ts'
import type { SourceInstruction } from '../dockerfile/source-text.ts'
import type { Warn } from './check-dockerfile.ts'

/** Rules about how the file is written. */
export function checkText({ source, directives }: Dockerfile, warn: Warn): void {
  for (const { emptyLines, end } of source.instructions) {
    if (emptyLines.length > 0) warn('NoEmptyContinuation', { start: end, end }, 'Empty continuation line')
  }
  checkCasing(source.instructions, warn)
  const directiveLines = new Set(directives.map(({ line }) => line))
  for (const instruction of source.instructions) {
    if (!directiveLines.has(instruction.start - 1)) checkComment(instruction, warn)
  }
}

/** The majority counts; a tie is upper case. */
function checkCasing(instructions: readonly SourceInstruction[], warn: Warn): void {
  const words = instructions.map(({ original, start, end }) => ({ word: original.split(/\s/)[0] ?? '', start, end }))
  const lower = words.filter(({ word }) => word === word.toLowerCase()).length
  const upper = words.filter(({ word }) => word === word.toUpperCase()).length
  const [casing, isRight] = lower > upper ? (['lowercase', (word: string) => word === word.toLowerCase()] as const) : (['uppercase', (word: string) => word === word.toUpperCase()] as const)
  for (const { word, start, end } of words) {
    if (!isRight(word)) warn('ConsistentInstructionCasing', { start, end }, `Command '${word}' should match the case of the command majority (${casing})`)
  }
}

/** The comment right above an ARG or a named stage is its description. */
function checkComment({ keyword, rest, comments, start, end }: SourceInstruction, warn: Warn): void {
  const last = comments.at(-1)
  if (last === undefined || last === '') return
  const names = keyword === 'ARG' ? namesOfArg(rest) : keyword === 'FROM' ? nameOfStage(rest) : []
  const [first] = last.split(/\s/)
  if (names.length === 0 || names.includes(first ?? '')) return
  const shown = names.length > 1 ? '<arg_key>' : names[0]
  warn('InvalidDefinitionDescription', { start, end }, `Comment for ${keyword} should follow the format: \`# ${shown} <description>\``)
}

function namesOfArg(rest: string): string[] {
  return rest.split(/\s+/).map((word) => word.split('=')[0] ?? '')
}

function nameOfStage(rest: string): string[] {
  const [, name] = /\sas\s+(\S+)\s*$/i.exec(rest) ?? []
  return name === undefined ? [] : [name]
}
