import { lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '../../kernel/constants/files.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { openPath } from '../paths.ts'
import { refuse } from '../refuse.ts'

/** What is in a directory, parents before their children; `path` is relative to it. */
export interface TreeEntry {
  path: string
  kind: 'directory' | 'file' | 'symlink'
  mode: number
  uid: number
  gid: number
  /** Of a symlink. */
  target?: string
}

const mostEntries = 10_000
const largestRead = 0x7fff_f000

/** Looks at a directory of a root file system; symlinks on the way to it stay within. Special files are left out. */
export function readTree(rootfs: string, directory: string): TreeEntry[] {
  const top = join(rootfs, directory)
  if (!isWithin(rootfs, top)) return []
  const entries: TreeEntry[] = []
  const visit = (below: string): void => {
    for (const name of readdirSync(join(top, below)).toSorted()) {
      const path = below === '' ? name : `${below}/${name}`
      const status = lstatSync(join(top, path))
      const common = { path, mode: status.mode & 0o7777, uid: status.uid, gid: status.gid }
      if (entries.length >= mostEntries) refuse('mounts', `tmpcopyup of ${directory} would copy more than ${mostEntries} files`)
      if (status.isDirectory()) {
        entries.push({ ...common, kind: 'directory' })
        visit(path)
      } else if (status.isFile()) entries.push({ ...common, kind: 'file' })
      else if (status.isSymbolicLink()) entries.push({ ...common, kind: 'symlink', target: readlinkSync(join(top, path)) })
    }
  }
  visit('')
  return entries
}

/** A directory that is not there has nothing; one elsewhere is not the container's. */
function isWithin(rootfs: string, top: string): boolean {
  try {
    return `${realpathSync(top)}/`.startsWith(`${realpathSync(rootfs)}/`) && lstatSync(realpathSync(top)).isDirectory()
  } catch {
    return false
  }
}

/**
 * Copies files into a tmpfs that was mounted over them: `from` is the directory underneath, `to` the top of the tmpfs. Whatever the
 * files have become since they were looked at, nothing outside `from` is read.
 */
export function copyUp(builder: ProgramBuilder, entries: readonly TreeEntry[], { from, to, destination }: { from: Cell; to: Cell; destination: string }): void {
  const [source, copy] = [builder.cell('source'), builder.cell('copy')]
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
  for (const { path, kind, mode, uid, gid, target = '' } of entries) {
    const name = builder.string(path)
    const shown = `${destination}/${path}`
    if (kind === 'directory') builder.call(`copy up directory ${shown}`, 'mkdirat', [to, name, mode])
    if (kind === 'symlink') builder.call(`copy up symlink ${shown}`, 'symlinkat', [builder.string(target), to, name])
    if (kind === 'file') {
      openPath(builder, `open ${shown} to copy it up`, { directory: from, path, flags: O_RDONLY | O_NOFOLLOW | O_CLOEXEC, resolve }, { save: source })
      builder.call(`copy up file ${shown}`, 'openat', [to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode], { save: copy })
      copyContent(builder, shown, source, copy)
      builder.call('close the source', 'close', [source])
      builder.call('close the copy', 'close', [copy])
    }
    builder.call(`give ${shown} to ${uid}:${gid}`, 'fchownat', [to, name, uid, gid, AT_SYMLINK_NOFOLLOW])
    // A change of owner takes the set-id bits away.
    if (kind !== 'symlink') builder.call(`set the mode of ${shown}`, 'fchmodat', [to, name, mode])
  }
}

/** sendfile(2) until it copies nothing more. */
function copyContent(builder: ProgramBuilder, shown: string, source: Cell, copy: Cell): void {
  const [more, end] = [builder.label(), builder.label()]
  builder.place(more)
  builder.call(`copy ${shown}`, 'sendfile', [copy, source, null, largestRead], { onZero: end })
  builder.jump('see whether there is more', more)
  builder.place(end)
}

