import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '../../../kernel/constants/files.ts'
import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { encodeName } from '../../../lib/tar/member-name.ts'

/** What extraction needs of the kernel and node:fs lacks. Paths hold no NUL. Everything throws KernelError. */
export interface NodeCalls {
  /** Opens a directory with O_PATH; `root` is "/" to every link on the way (openat2(2), RESOLVE_IN_ROOT). */
  openDirectory(root: number, path: string): number
  makeNode(path: string, mode: number, device: number): void
  /** On the path itself, not on what a link names. */
  setXattr(path: string, name: string, value: Buffer): void
  setOpenXattr(descriptor: number, name: string, value: Buffer): void
  /** Access and modification time of the path itself, in nanoseconds since the epoch. */
  setTime(path: string, time: bigint): void
  setOpenTime(descriptor: number, time: bigint): void
}

export function nodeCalls(kernel: Kernel): NodeCalls {
  const numbers = { openat2: nr('openat2'), mknodat: nr('mknodat'), lsetxattr: nr('lsetxattr'), fsetxattr: nr('fsetxattr'), utimensat: nr('utimensat') }
  const call = (act: keyof typeof numbers, ...args: Parameters<Kernel['syscall']> extends [number, ...infer Rest] ? Rest : never): number => {
    const result = kernel.syscall(numbers[act], ...args)
    if (result < 0) throw new KernelError(act, -result)
    return result
  }
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(O_PATH | O_DIRECTORY | O_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16)
  return {
    openDirectory: (root, path) => call('openat2', root, pathArgument(path), how, how.length),
    makeNode: (path, mode, device) => void call('mknodat', AT_FDCWD, pathArgument(path), mode, device),
    setXattr: (path, name, value) => void call('lsetxattr', pathArgument(path), name, value, value.length, 0),
    setOpenXattr: (descriptor, name, value) => void call('fsetxattr', descriptor, name, value, value.length, 0),
    setTime: (path, time) => void call('utimensat', AT_FDCWD, pathArgument(path), timespecs(time), AT_SYMLINK_NOFOLLOW),
    setOpenTime: (descriptor, time) => void call('utimensat', descriptor, null, timespecs(time), 0),
  }
}

/** A path for a system call; bytes that are no UTF-8 go as they are. */
export function pathArgument(path: string): string | Uint8Array {
  return path.isWellFormed() ? path : Buffer.concat([encodeName(path), Buffer.of(0)])
}

const times = Buffer.alloc(32)

/** struct timespec[2]; the buffer is shared, for the kernel reads it before the next call. */
function timespecs(time: bigint): Buffer {
  const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const seconds = (time - nanoseconds) / 1_000_000_000n
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt.asIntN(64, seconds), at)
    times.writeBigInt64LE(nanoseconds, at + 8)
  }
  return times
}
