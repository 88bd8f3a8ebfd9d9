import { statSync } from 'node:fs'
import path from 'node:path'
import { ExitError } from '../exit-error.ts'

/** Refuses a place that nothing can be written to, or must not be replaced (/dev/null), before anything is asked of the engine. */
export function checkOutputPath(place: string): void {
  const directory = path.dirname(path.normalize(place).replace(/(?<=.)\/+$/, ''))
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) throw new ExitError(`invalid output path: directory ${JSON.stringify(directory)} does not exist`)
  const stats = statSync(place, { throwIfNoEntry: false })
  if (stats === undefined || stats.isDirectory() || stats.isFile()) return
  const kind = stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'an irregular file'
  throw new ExitError(`invalid output path: ${JSON.stringify(place)} must be a directory or a regular file: got ${kind}`)
}
