import type { TarEntry } from '../../lib/tar/entry.ts'
import { ExitError } from '../exit-error.ts'
import { endsInDot, endsInSlash, splitEntry, type CopyEnd } from './copy-path.ts'

/** What becomes of an archive on its way. */
export interface PreparedCopy {
  /** The directory to extract to. */
  directory: string
  rename: Rename
}

export type Rename = (entry: TarEntry) => TarEntry

/**
 * The rules of `docker cp`: what is copied into a directory keeps its name, else it gets the destination's; a directory
 * cannot become a file, and a file no directory.
 */
export function prepareCopy(source: CopyEnd, destination: CopyEnd): PreparedCopy {
  const { directory, entry } = splitEntry(destination.path)
  if (destination.exists && destination.isDirectory) return { directory: destination.path, rename: (each) => each }
  if (destination.exists && source.isDirectory) throw new ExitError('cannot copy directory')
  const asserted = endsInDot(destination.path) || endsInSlash(destination.path)
  if (!destination.exists && !source.isDirectory && asserted) throw new ExitError('no such directory')
  return { directory, rename: rebase(source.rebaseName || splitEntry(source.path).entry, entry) }
}

/** Replaces the first part of all names. */
export function rebase(oldBase: string, newBase: string): Rename {
  const old = oldBase === '/' ? '' : oldBase
  const renamed = (name: string): string => (old === '' ? `${newBase}${name}` : name.startsWith(old) ? newBase + name.slice(old.length) : name)
  return (entry) => ({ ...entry, name: renamed(entry.name), linkName: entry.type === 'link' ? renamed(entry.linkName) : entry.linkName })
}
