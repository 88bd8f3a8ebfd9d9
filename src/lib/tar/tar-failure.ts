import { GantryError } from '../errors.ts'

/** The archive is at fault. */
export function badTar(reason: string): GantryError {
  return new GantryError('InvalidParameter', `cannot read tar archive: ${reason}`)
}
