import { posix } from 'node:path'

/**
 * A path as a client sends it: taken from "/", with ".." folded before any link is looked at, and with the trailing "/" or "/."
 * kept, since those say that a link is to be followed and a directory is meant (Engine API, ContainerArchive).
 */
export function absolutePath(path: string): string {
  const clean = posix.resolve('/', path)
  const last = path.split('/').at(-1)
  if (last === '.') return clean === '/' ? '/.' : `${clean}/.`
  return last === '' && clean !== '/' && path !== '' ? `${clean}/` : clean
}

/** What Go's filepath.Base makes of it: the name of the members of an archive. */
export function baseName(absolute: string): string {
  return absolute === '/' ? '/' : (absolute.replace(/\/+$/, '').split('/').at(-1) ?? '')
}

/** The directory part, "/" at least. */
export function directoryName(absolute: string): string {
  return absolute.slice(0, absolute.lastIndexOf('/')) || '/'
}
