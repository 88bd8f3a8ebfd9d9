import type { Dockerfile, Stage } from '../dockerfile/dockerfile.ts'
import { suggestion } from '../dockerfile/suggestion.ts'
import type { Warn } from './check-dockerfile.ts'

/** Of variables that were asked for without being set, those that no ARG or ENV before names. */
export function checkVariables({ stages, globalArgs }: Dockerfile, unset: readonly { name: string; line: number }[], warn: Warn): void {
  const told = new Set<string>()
  for (const { name, line } of unset) {
    const stage = stages.findLast(({ from }) => from.start < line)
    const instruction = stage?.instructions.find(({ start, end }) => start <= line && line <= end)
    if (stage === undefined || instruction === undefined || told.has(`${name} ${line}`)) continue
    told.add(`${name} ${line}`)
    const known = namesBefore(stage, line, stages)
    if (known.has(name)) continue
    const globals = globalArgs.flatMap(({ args }) => args.map((arg) => arg.name))
    const close = suggestion(name, [...known, 'PATH', ...globals.filter((global) => known.has(global))], '$')
    warn('UndefinedVar', instruction, `Usage of undefined variable '$${name}'${close}`)
  }
}

/** A stage has the names of the one that it stands on. */
function namesBefore(stage: Stage, line: number, stages: readonly Stage[]): Set<string> {
  const base = stages.slice(0, stage.index).findLast(({ name, index }) => name === stage.from.image.toLowerCase() || String(index) === stage.from.image)
  const names = base === undefined ? new Set<string>() : namesBefore(base, Infinity, stages)
  for (const instruction of stage.instructions) {
    if (instruction.start >= line) break
    if (instruction.kind === 'arg') for (const { name } of instruction.args) names.add(name)
    if (instruction.kind === 'env') for (const { name } of instruction.pairs) names.add(name)
  }
  return names
}
