import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { tarEntry } from '../../lib/tar/entry.ts'
import { decodeName, fsPath } from '../../lib/tar/member-name.ts'
import { nodeDevice, nodeOwnership, nodeType } from '../../lib/tar/node-fields.ts'
import type { TarMember } from '../../lib/tar/writer.ts'
import { ExitError } from '../exit-error.ts'
import { readAttributes } from './attributes.ts'
import { afterLink, baseName, endsInSlash, splitEntry, type CopyEnd } from './copy-path.ts'
import type { Rename } from './prepare.ts'

const pieceSize = 256 << 10

/** Looks at a local path that is to be copied; a link itself unless it is to be followed. */
export function localSource(typed: string, followLink: boolean): CopyEnd {
  const resolved = followLink ? followed(typed) : besideLinks(typed)
  return { ...resolved, exists: true, isDirectory: attempt('lstat', resolved.path, () => lstatSync(resolved.path)).isDirectory() }
}

function followed(typed: string): { path: string; rebaseName: string } {
  return afterLink(typed, attempt('lstat', typed, () => realpathSync(typed)))
}

function besideLinks(typed: string): { path: string; rebaseName: string } {
  const slash = typed.lastIndexOf('/')
  const directory = attempt('lstat', typed, () => realpathSync(typed.slice(0, slash + 1)))
  const resolved = `${directory === '/' ? '' : directory}/${typed.slice(slash + 1)}`
  return { path: resolved, rebaseName: endsInSlash(typed) && baseName(typed) !== baseName(resolved) ? baseName(typed) : '' }
}

/** The members of an archive of it, named by its last part; sockets are left out. */
export function* localMembers(source: CopyEnd, rename: Rename): Generator<TarMember, void, undefined> {
  const { directory, entry } = splitEntry(source.path)
  const linked = new Map<string, string>()
  const name = source.rebaseName || entry
  for (const member of walk({ place: entry === '/' ? '/' : path.posix.join(directory, entry), name: name === '/' ? '' : name, linked })) {
    yield { ...member, entry: rename(member.entry) }
  }
}

function* walk(at: { place: string; name: string; linked: Map<string, string> }): Generator<TarMember, void, undefined> {
  const { place, name, linked } = at
  const stats = attempt('lstat', place, () => lstatSync(fsPath(place), { bigint: true }))
  const type = nodeType(stats)
  if (type === undefined) return
  const entry = { ...nodeOwnership(stats), type, xattrs: type === 'symlink' ? new Map<string, Buffer>() : readAttributes(place) }
  if (type !== 'directory') {
    const inode = `${stats.dev}:${stats.ino}`
    const first = stats.nlink > 1n ? linked.get(inode) : undefined
    if (first === undefined) linked.set(inode, name)
    if (first !== undefined) yield { entry: tarEntry({ ...entry, name, type: 'link', linkName: first }) }
    else if (type === 'file') yield { entry: tarEntry({ ...entry, name, size: Number(stats.size) }), content: content(place, Number(stats.size)) }
    else if (type === 'symlink') yield { entry: tarEntry({ ...entry, name, linkName: decodeName(readlinkSync(fsPath(place), { encoding: 'buffer' })) }) }
    else yield { entry: tarEntry({ ...entry, name, ...nodeDevice(stats) }) }
    return
  }
  yield { entry: tarEntry({ ...entry, name: `${name}/` }) }
  const children = attempt('open', place, () => readdirSync(fsPath(place), { encoding: 'buffer' })).map(decodeName).toSorted()
  for (const child of children) yield* walk({ place: `${place === '/' ? '' : place}/${child}`, name: `${name}/${child}`, linked })
}

/** As many bytes as were seen: a file that is cut short meanwhile is filled with zeros. */
function* content(place: string, size: number): Generator<Buffer, void, undefined> {
  const file = attempt('open', place, () => openSync(fsPath(place), 'r'))
  try {
    if (!fstatSync(file).isFile()) throw new ExitError(`open ${place}: not a regular file any more`)
    for (let at = 0; at < size; ) {
      const piece = Buffer.alloc(Math.min(pieceSize, size - at))
      const read = readSync(file, piece, 0, piece.length, at)
      at += read === 0 ? piece.length : read
      yield read === 0 ? piece : piece.subarray(0, read)
    }
  } finally {
    closeSync(file)
  }
}

const reasons: Record<string, string> = { ENOENT: 'no such file or directory', ENOTDIR: 'not a directory', EACCES: 'permission denied', ELOOP: 'too many levels of symbolic links' }

/** Go's words for what a call says. */
export function attempt<Result>(act: string, place: string, call: () => Result): Result {
  try {
    return call()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (!Object.hasOwn(reasons, code)) throw cause
    throw new ExitError(`${act} ${place}: ${reasons[code]}`, 1, { cause })
  }
}
