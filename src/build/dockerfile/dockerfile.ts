import { DockerfileError } from './dockerfile-error.ts'
import type { ArgInstruction, FromInstruction, Instruction } from './instruction.ts'
import { parseInstruction } from './parse-instruction.ts'
import { readSource } from './source-text.ts'
import type { Directive, SourceText } from './source-text.ts'

/** A Dockerfile: what stands before the first FROM, and its stages in order. */
export interface Dockerfile {
  directives: Directive[]
  escape: '\\' | '`'
  globalArgs: ArgInstruction[]
  stages: Stage[]
  source: SourceText
}

export interface Stage {
  from: FromInstruction
  /** Lower case; a stage without a name goes by its index. */
  name: string
  index: number
  instructions: Exclude<Instruction, FromInstruction>[]
}

/** @throws DockerfileError with line and reason */
export function parseDockerfile(text: string): Dockerfile {
  const source = readSource(text)
  const globalArgs: ArgInstruction[] = []
  const stages: Stage[] = []
  for (const line of source.instructions) {
    const instruction = parseInstruction(line)
    const stage = stages.at(-1)
    if (instruction.kind === 'from') {
      const name = instruction.name?.toLowerCase() ?? String(stages.length)
      stages.push({ from: instruction, name, index: stages.length, instructions: [] })
    } else if (stage !== undefined) {
      stage.instructions.push(instruction)
    } else if (instruction.kind === 'arg') {
      globalArgs.push(instruction)
    } else {
      throw new DockerfileError(`no build stage in current context`, line.start)
    }
  }
  if (source.instructions.length === 0) throw new DockerfileError('file with no instructions', 0)
  if (stages.length === 0) throw new DockerfileError('dockerfile contains no stages to build', 0)
  return { directives: source.directives, escape: source.escape, globalArgs, stages, source }
}
