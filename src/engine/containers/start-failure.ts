import { GantryError, kindOf, messageOf } from '../../lib/errors.ts'

const createdBy = 'failed to create task for container: failed to create shim task: '
const createPrefix = `${createdBy}OCI runtime create failed: runc create failed: `
const execPrefix = 'OCI runtime exec failed: exec failed: '
const processPrefix = 'unable to start container process: '

/**
 * Why a container could not start, with Docker's text and exit code (126 not executable, 127 not found, else 128).
 * What the engine, the image or a network says stands as it is; what the runtime says gets the runtime's prefix.
 */
export function startFailure(error: unknown): GantryError {
  const exitCode = runtimeExitCode(error)
  if (isForeign(error)) return new GantryError(kindOfFailure(error), `${error.message.startsWith('OCI runtime create') ? createdBy : ''}${error.message}`, { cause: causeOf(error), exitCode })
  if (exitCode === undefined) return new GantryError(kindOfFailure(error), messageOf(error), { cause: causeOf(error), exitCode: 128 })
  const text = `${createPrefix}${processPrefix}error during container init: ${messageOf(error)}: unknown`
  return new GantryError(kindOfFailure(error), text, { cause: error, exitCode })
}

/** Why an exec could not start; 127 when something is not there, else 126 unless the runtime says otherwise. */
export function execFailure(error: unknown): GantryError {
  const exitCode = runtimeExitCode(error)
  if (isForeign(error)) return error
  if (exitCode === undefined && error instanceof GantryError) return new GantryError(error.kind, error.message, { cause: error, exitCode: 126 })
  const code = exitCode === undefined || exitCode === 128 ? (messageOf(error).includes('no such file or directory') ? 127 : 126) : exitCode
  return new GantryError(kindOfFailure(error), `${execPrefix}${processPrefix}${messageOf(error)}: unknown`, { cause: error, exitCode: code })
}

/** The same words need not be said twice. */
function causeOf(error: unknown): unknown {
  return error instanceof GantryError ? error.cause : error
}

/** A runtime that is a program has said it all, in the same form. */
function isForeign(error: unknown): error is GantryError {
  return error instanceof GantryError && /^OCI runtime \w+ failed: /.test(error.message)
}

/** Only the task layer uses these codes. */
function runtimeExitCode(error: unknown): number | undefined {
  return error instanceof GantryError && error.exitCode >= 126 && error.exitCode <= 128 ? error.exitCode : undefined
}

function kindOfFailure(error: unknown): ReturnType<typeof kindOf> {
  const kind = kindOf(error)
  return kind === 'NotModified' ? 'System' : kind
}
