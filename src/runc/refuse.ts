import { GantryError } from '../lib/errors.ts'

/** @throws GantryError InvalidParameter, naming the field of the specification */
export function refuse(field: string, reason: string): never {
  throw new GantryError('InvalidParameter', `cannot use specification: ${field}: ${reason}`)
}
