import { posix } from 'node:path'
import { O_CLOEXEC, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, S_IFREG } from '../../kernel/constants/files.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { openPath } from '../paths.ts'

export interface Target {
  /** Descriptor of the root that nothing may lead out of, or AT_FDCWD once that root is the process's own. */
  root: Cell | number
  /** Absolute, as the container sees it. */
  path: string
  kind: 'directory' | 'file'
  /** Receives the descriptor (O_PATH). */
  save: Cell
  /** A path with a symlink in it is an error: for what must be the real thing (CVE-2019-19921). */
  noSymlinks?: boolean
}

const EEXIST = 17
const ENOENT = 2

/** Opens a place inside a root; what is missing on the way is made, component by component. */
export function openTarget(builder: ProgramBuilder, target: Target): void {
  const { root, kind, save } = target
  const resolve = target.noSymlinks === true ? RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS : undefined
  const names = cleanPath(target.path).split('/').slice(1)
  const path = `/${names.join('/')}`
  const open = { directory: root, flags: O_PATH | O_CLOEXEC, resolve }
  const found = builder.label()
  openPath(builder, `look for ${path}`, { ...open, path }, { save, ignore: [ENOENT], onSuccess: found })
  const parent = builder.cell(`parent of ${path}`)
  for (const [depth, name] of names.entries()) {
    const above = `/${names.slice(0, depth).join('/')}`
    const made = `/${names.slice(0, depth + 1).join('/')}`
    openPath(builder, `open ${above}`, { ...open, path: above }, { save: parent })
    const isFile = kind === 'file' && depth === names.length - 1
    // Neither call follows a symlink in its last component.
    if (isFile) builder.call(`make file ${made}`, 'mknodat', [parent, builder.string(name), S_IFREG | 0o644, 0], { ignore: [EEXIST] })
    else builder.call(`make directory ${made}`, 'mkdirat', [parent, builder.string(name), 0o755], { ignore: [EEXIST] })
    builder.call(`close ${above}`, 'close', [parent])
  }
  openPath(builder, `open ${path}`, { ...open, path }, { save })
  builder.place(found)
}

/** Absolute, without ".", "..", doubled or trailing slashes. */
export function cleanPath(path: string): string {
  return posix.resolve('/', path)
}
