import { errnoText } from '../kernel/errno.ts'
import { ProgramFailure } from '../kernel/failure.ts'
import { GantryError } from '../lib/errors.ts'

const ENOENT = 2
const ENOTDIR = 20

/**
 * What to say when a program failed at its command, in the runtime's words, from which clients of Docker choose their exit
 * code: 127 when it was not found, 126 when it could not be executed. Any other error comes back as it is.
 */
export function startError(error: unknown, command: string): unknown {
  if (!(error instanceof ProgramFailure) || !error.label.startsWith('execute ')) return error
  const { errno } = error
  const text = errnoText(errno)
  const searched = !command.includes('/')
  const reason = errno !== ENOENT && errno !== ENOTDIR ? text : searched ? 'executable file not found in $PATH' : `stat ${command}: ${text}`
  return new GantryError('InvalidParameter', `exec: ${JSON.stringify(command)}: ${reason}`, { cause: error, exitCode: errno === ENOENT ? 127 : 126 })
}

/** The same as runc's command line says it, which its callers hand on. */
export function commandLineStartError(error: unknown, command: string): unknown {
  const known = startError(error, command)
  return known instanceof GantryError && known !== error ? new GantryError(known.kind, `unable to start container process: ${known.message}`, { cause: error, exitCode: known.exitCode }) : known
}
