import type { Command } from './command.ts'
import { ExitError } from './exit-error.ts'
import { usageLine } from './help.ts'
import { programName } from './program.ts'

/** A flag that cannot be read: exit code 125, docker's text. */
export function grammarError(reason: string, usage: string, path: string): ExitError {
  return new ExitError(`${reason}\n\n${usage}\n\nRun '${programName}${path} --help' for more information`, 125)
}

export function unknownCommand(group: string, name: string): ExitError {
  const path = group === '' ? programName : `${programName} ${group}`
  const usage = group === '' ? '' : `\n\nUsage:  ${path}`
  return new ExitError(`${programName}: unknown command: ${path} ${name}${usage}\n\nRun '${path} --help' for more information`)
}

export function checkCount(command: Command, count: number): boolean {
  return count >= command.args.min && count <= command.args.max
}

/** Too few or too many arguments: exit code 1, docker's text. */
export function countError(command: Command): ExitError {
  const { min, max } = command.args
  const path = `${programName} ${command.path}`
  const verb = max === Infinity ? 'See' : 'Run'
  let need: string
  if (max === 0) need = 'accepts no arguments'
  else if (max === Infinity) need = `requires at least ${plural(min)}`
  else if (min === max) need = `requires ${plural(min)}`
  else if (min === 0) need = `requires at most ${plural(max)}`
  else need = `requires at least ${min} and at most ${plural(max)}`
  return new ExitError(`${programName}: '${path}' ${need}\n\n${usageLine(command)}\n\n${verb} '${path} --help' for more information`)
}

function plural(count: number): string {
  return `${count} argument${count === 1 ? '' : 's'}`
}
