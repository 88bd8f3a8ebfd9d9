import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import { resolveInRoot } from './resolve-in-root.ts'

export interface Owner {
  uid: number
  gid: number
}

/**
 * Reads --chown: "user", "user:group", names or numbers; "" is none. A number alone is the group's too.
 * Names are those of the tree's own /etc/passwd and /etc/group.
 * @throws InvalidParameter for a name that is not there
 */
export function ownerOf(text: string, root: string): Owner | undefined {
  if (text === '') return undefined
  const colon = text.indexOf(':')
  const user = colon === -1 ? text : text.slice(0, colon)
  const group = colon === -1 ? '' : text.slice(colon + 1)
  const found = userOf(user, root)
  return group === '' ? found : { uid: found.uid, gid: groupOf(group, root) }
}

/** Is it written in numbers, so that no tree is asked? */
export function isNumericOwner(text: string): boolean {
  return text.split(':').every((part) => part === '' || /^\d+$/.test(part))
}

function userOf(user: string, root: string): Owner {
  if (user === '') return { uid: 0, gid: 0 }
  if (/^\d+$/.test(user)) return { uid: idOf(user), gid: idOf(user) }
  for (const [name, , uid = '', gid = ''] of entries(root, '/etc/passwd')) {
    if (name === user && /^\d+$/.test(uid)) return { uid: idOf(uid), gid: /^\d+$/.test(gid) ? idOf(gid) : 0 }
  }
  throw badOwner(`can't find uid for user ${user}: no such user: ${user}`)
}

function groupOf(group: string, root: string): number {
  if (/^\d+$/.test(group)) return idOf(group)
  for (const [name, , gid = ''] of entries(root, '/etc/group')) {
    if (name === group && /^\d+$/.test(gid)) return idOf(gid)
  }
  throw badOwner(`can't find gid for group ${group}: no such group: ${group}`)
}

function idOf(text: string): number {
  const id = Number(text)
  // (uid_t) -1 is no owner: chown(2) takes it for "as it is".
  if (id >= 0xffff_ffff) throw badOwner('uids and gids must be in range 0-4294967294')
  return id
}

const largest = 4 << 20
/** An image may have a pipe there. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

function entries(root: string, file: string): string[][] {
  const descriptor = openIfThere(`${root}${resolveInRoot(root, file)}`)
  if (descriptor === undefined) return []
  try {
    if (!fstatSync(descriptor).isFile()) return []
    const buffer = Buffer.alloc(Math.min(fstatSync(descriptor).size, largest))
    const text = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, 0))
    return text.split('\n').map((line) => line.trim().split(':'))
  } finally {
    closeSync(descriptor)
  }
}

function openIfThere(place: string): number | undefined {
  try {
    return openSync(fsPath(place), flags)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENXIO') return undefined
    throw error
  }
}

function badOwner(reason: string): GantryError {
  return new GantryError('InvalidParameter', `unable to convert uid/gid chown string to host mapping: ${reason}`)
}
