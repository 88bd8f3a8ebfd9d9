import { readFileSync } from 'node:fs'
import { errnoText } from '../kernel/errno.ts'
import { GantryError, messageOf } from '../lib/errors.ts'

/** The text of a file that the command line names; "-" is standard input. @throws GantryError InvalidParameter */
export function readGiven(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const { errno } = cause as NodeJS.ErrnoException
    throw new GantryError('InvalidParameter', errno === undefined ? messageOf(cause) : `open ${path}: ${errnoText(-errno)}`, { cause })
  }
}
