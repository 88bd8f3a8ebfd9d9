import { errnoText } from '../../kernel/errno.ts'
import { ProgramFailure } from '../../kernel/failure.ts'
import { GantryError } from '../../lib/errors.ts'
import { startError as commandError } from '../../runc/start-error.ts'

/** Why a program failed: the command's fault with 126 or 127; 128 for anything else that kept the container from starting. */
export function startError(error: unknown, command: string): unknown {
  const known = commandError(error, command)
  if (!(known instanceof ProgramFailure)) return known
  return new GantryError('System', `${known.label}: ${errnoText(known.errno)}`, { cause: error, exitCode: 128 })
}
