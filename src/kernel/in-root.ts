import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from './constants/files.ts'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

/** How the last part of a path is taken: a link itself, what is behind it, or a directory behind it. */
export type LastPart = 'itself' | 'followed' | 'directory'

const flagsOf: Record<LastPart, number> = { itself: O_NOFOLLOW, followed: 0, directory: O_DIRECTORY }

/**
 * Opens a path with O_PATH below a directory that is "/" to every link on the way (openat2(2), RESOLVE_IN_ROOT): whatever another
 * process does to the tree meanwhile, the answer lies inside. A trailing slash follows a link, as in every path.
 * @throws KernelError ENOENT, ENOTDIR, ELOOP …
 */
export function openInRoot(kernel: Pick<Kernel, 'syscall'>, root: number, path: string | Uint8Array, last: LastPart = 'itself'): number {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC | flagsOf[last]), 0)
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16)
  const result = kernel.syscall(nr('openat2'), root, path, how, how.length)
  if (result < 0) throw new KernelError(typeof path === 'string' ? `cannot open ${path}` : 'cannot open a path', -result)
  return result
}

/** Is the mount that a descriptor lies on read-only? (statfs(2), f_flags of the 64-bit struct) */
export function isReadOnly(kernel: Pick<Kernel, 'syscall'>, descriptor: number): boolean {
  const status = Buffer.alloc(120)
  const result = kernel.syscall(nr('fstatfs'), descriptor, status)
  if (result < 0) throw new KernelError('cannot look at a file system', -result)
  const ST_RDONLY = 1
  return (status.readInt32LE(80) & ST_RDONLY) !== 0
}
