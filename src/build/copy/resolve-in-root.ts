import { readlinkSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { decodeName, fsPath } from '../../lib/tar/member-name.ts'

const mostLinks = 255

/**
 * Where a path leads to in a tree that is "/" to every link of it: absolute, without links. What does not exist is taken as it is named.
 * The tree has to be nobody else's meanwhile.
 * @throws InvalidParameter for links in a circle
 */
export function resolveInRoot(root: string, path: string): string {
  return resolveLinks(path, (real) => linkAt(`${root}${real}`))
}

/** The same in a tree that is none of files. @param linkTo what a link leads to; undefined for anything else */
export function resolveLinks(path: string, linkTo: (real: string) => string | undefined): string {
  const pending = path.split('/').toReversed()
  const done: string[] = []
  let links = 0
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      done.pop()
      continue
    }
    done.push(part)
    const link = linkTo(`/${done.join('/')}`)
    if (link === undefined) continue
    if (++links > mostLinks) throw new GantryError('InvalidParameter', `cannot resolve ${JSON.stringify(path)}: too many links`)
    if (link.startsWith('/')) done.length = 0
    else done.pop()
    pending.push(...link.split('/').toReversed())
  }
  return `/${done.join('/')}`
}

function linkAt(place: string): string | undefined {
  try {
    return decodeName(readlinkSync(fsPath(place), { encoding: 'buffer' }))
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
