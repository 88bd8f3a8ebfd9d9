import { GantryError } from '../../../lib/errors.ts'

/** The archive is at fault. */
export function badMember(name: string, reason: string, cause?: unknown): GantryError {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)
  return new GantryError('InvalidParameter', `cannot extract ${shown}: ${reason}`, { cause })
}

const hostFaults = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** Tells a full or broken disk (System) from names and numbers that no file system takes (InvalidParameter). */
export function memberFailure(name: string, error: unknown): Error {
  if (error instanceof GantryError) return error
  const code = (error as { code?: string }).code ?? ''
  const reason = error instanceof Error ? error.message.replaceAll(/\/proc\/self\/fd\/\d+\//g, '') : String(error)
  if (hostFaults.has(code)) return new GantryError('System', `cannot extract ${JSON.stringify(name)}: ${reason}`, { cause: error })
  return badMember(name, reason, error)
}
