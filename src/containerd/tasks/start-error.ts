import { errnoText } from '../../kernel/errno.ts'
import { ProgramFailure } from '../../kernel/failure.ts'
import { GantryError } from '../../lib/errors.ts'

const ENOENT = 2
const notFound = new Set(['ENOENT', 'ENOTDIR'])

/**
 * Why a program failed, in the runtime's words that clients of Docker parse. The exit code is the shell's: 127 for a command
 * that is not there, 126 for one that cannot be executed; 128 for anything else that kept the container from starting.
 */
export function startError(error: unknown, command: string): unknown {
  if (!(error instanceof ProgramFailure)) return error
  const inExec = /^execute\b|^find\b/.test(error.label)
  if (!inExec) return new GantryError('System', `${error.label}: ${errnoText(error.errno)}`, { cause: error, exitCode: 128 })
  return new GantryError('InvalidParameter', `exec: ${JSON.stringify(command)}: ${reason(error, command)}`, { cause: error, exitCode: notFound.has(error.code) ? 127 : 126 })
}

function reason(error: ProgramFailure, command: string): string {
  if (!command.includes('/') && error.errno === ENOENT) return 'executable file not found in $PATH'
  return notFound.has(error.code) ? `stat ${command}: ${errnoText(error.errno)}` : errnoText(error.errno)
}
