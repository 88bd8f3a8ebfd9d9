import { showImmediate, showStructure } from './argument-names.ts'
import { errnoName } from './errno.ts'
import { pseudo } from './program.ts'
import type { Argument, Operation, Program } from './program.ts'
import { decodeProgram } from './program-codec.ts'
import { syscallName } from './syscalls.ts'

/** The text of an encoded program, one operation a line: what it calls, with what, and what for. */
export function explainProgram(bytes: Buffer): string[] {
  return explain(decodeProgram(bytes))
}

export function explain(program: Program): string[] {
  const targets = new Set(program.operations.flatMap((operation) => operation.target?.index ?? []))
  return program.operations.map((operation, i) => {
    const mark = targets.has(i) ? `@${i}` : ''
    return `${mark.padStart(5)}  ${line(program, operation)}  # ${operation.label}`
  })
}

function line(program: Program, operation: Operation): string {
  const name = operationName(operation.nr)
  const argumentCount = 1 + operation.args.findLastIndex((argument) => argument !== null && argument !== 0 && argument !== 0n)
  const args = operation.args.slice(0, argumentCount).map((argument, i) => showArgument(program, name, i, argument))
  const saved = operation.save < 0 ? '' : ` -> ${cellName(program, operation.save)}`
  const ignored = operation.ignore.length === 0 ? '' : ` ignore ${operation.ignore.map(errnoName).join(',')}`
  const flow = operation.target === undefined ? '' : ` ${operation.flow} goto @${operation.target.index}`
  return `${name}(${args.join(', ')})${saved}${ignored}${flow}`
}

function operationName(number: number): string {
  const name = Object.entries(pseudo).find(([, value]) => value === number)?.[0]
  return name === undefined ? syscallName(number) : name.toUpperCase()
}

function showArgument(program: Program, name: string, place: number, argument: Argument): string {
  if (typeof argument !== 'object') return showImmediate(name, place, BigInt(argument))
  const structure = argument?.kind === 'pointer' ? showStructure(name, place, program.blob.subarray(argument.offset)) : undefined
  return structure ?? show(program, argument)
}

function show(program: Program, argument: Exclude<Argument, number | bigint>): string {
  if (argument === null) return '0'
  return argument.kind === 'cell' ? cellName(program, argument.offset) : place(program, argument.offset)
}

function cellName(program: Program, offset: number): string {
  return `$${program.cellNames.get(offset) ?? offset}`
}

/** A string where the bytes read as one; an array of addresses as a list; else the place. */
function place(program: Program, offset: number): string {
  const relocation = program.relocations.find(({ at }) => at === offset)
  if (relocation !== undefined) {
    const items: string[] = []
    for (let at = offset; ; at += 8) {
      const next = program.relocations.find((candidate) => candidate.at === at)
      if (next === undefined) break
      items.push(place(program, next.target))
    }
    return `[${items.join(', ')}]`
  }
  const name = program.cellNames.get(offset)
  if (name !== undefined) return `&$${name}`
  const end = program.blob.indexOf(0, offset)
  const text = end < 0 ? '' : program.blob.toString('utf8', offset, end)
  return text !== '' && /^[\x20-\x7e\n\t]+$/.test(text) ? JSON.stringify(text) : `blob+${offset}`
}
