import { randomBytes } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'

const name = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const allowed = '[a-zA-Z0-9][a-zA-Z0-9_.-]'

/** On volumes whose name the engine made up; `volume prune` takes these only unless told. */
export const anonymousLabel = 'com.docker.volume.anonymous'

export function inventName(): string {
  return randomBytes(32).toString('hex')
}

/** @throws InvalidParameter with Docker's text */
export function checkVolumeName(text: string): void {
  if (text.length === 1) throw volumeError('create', text, 'volume name is too short, names should be at least two alphanumeric characters')
  if (name.test(text) && text.length <= 255) return
  throw volumeError(
    'create',
    text,
    text.length > 255
      ? `${JSON.stringify(text)} is too long for a volume name: 255 bytes at most`
      : `${JSON.stringify(text)} includes invalid characters for a local volume name, only "${allowed}" are allowed. If you intended to pass a host directory, use absolute path`,
  )
}

/** What went wrong with a volume, in the form of Docker's volume store. */
export function volumeError(act: string, volume: string, reason: string, kind: ConstructorParameters<typeof GantryError>[0] = 'InvalidParameter'): GantryError {
  return new GantryError(kind, `${act} ${volume}: ${reason}`)
}

export function noSuchVolume(volume: string): GantryError {
  return volumeError('get', volume, 'no such volume', 'NotFound')
}
