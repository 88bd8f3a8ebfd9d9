import { closeSync } from 'node:fs'
import { AT_EMPTY_PATH, AT_FDCWD } from './constants/files.ts'
import { FSCONFIG_CMD_CREATE, FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, MNT_DETACH, MOUNT_ATTR_RDONLY, MOVE_MOUNT_F_EMPTY_PATH, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE, UMOUNT_NOFOLLOW } from './constants/mounts.ts'
import { KernelError } from './failure.ts'
import type { Kernel, SyscallArgument } from './kernel.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

export interface OverlayMount {
  /** Topmost first. */
  lower: string[]
  upper: string
  work: string
  /** Flags and key=value pairs of the overlay file system. */
  options?: string[]
}

/** Mounts an overlay through the fd-based API: no limit on the number or the length of layers' paths. */
export function mountOverlay(kernel: Calls, target: string, { lower, upper, work, options = [] }: OverlayMount): void {
  const context = call(kernel, 'cannot open an overlay file system', 'fsopen', 'overlay', FSOPEN_CLOEXEC)
  try {
    const set = (key: string, value: string): void => {
      call(kernel, `cannot use ${value} as overlay ${key}`, 'fsconfig', context, FSCONFIG_SET_STRING, key, value, 0)
    }
    set('source', 'overlay')
    if (!appendLayers(kernel, context, lower)) set('lowerdir', lower.map((path) => path.replaceAll(/[\\:]/g, String.raw`\$&`)).join(':'))
    set('upperdir', upper)
    set('workdir', work)
    for (const option of options) {
      const [key = '', value] = option.split('=', 2)
      if (value === undefined) call(kernel, `cannot set overlay option ${key}`, 'fsconfig', context, FSCONFIG_SET_FLAG, key, null, 0)
      else set(key, value)
    }
    call(kernel, 'cannot make the overlay', 'fsconfig', context, FSCONFIG_CMD_CREATE, null, null, 0)
    place(kernel, call(kernel, 'cannot mount the overlay', 'fsmount', context, FSMOUNT_CLOEXEC, 0), target)
  } finally {
    closeSync(context)
  }
}

/** `lowerdir+` came with Linux 6.5; before that the list is one string. */
function appendLayers(kernel: Calls, context: number, lower: string[]): boolean {
  for (const [i, path] of lower.entries()) {
    const result = kernel.syscall(nr('fsconfig'), context, FSCONFIG_SET_STRING, 'lowerdir+', path, 0)
    if (result >= 0) continue
    if (i === 0) return false
    throw new KernelError(`cannot use ${path} as overlay layer`, -result)
  }
  return true
}

/** Binds one directory on another. */
export function mountBind(kernel: Calls, source: string, target: string, readonly: boolean): void {
  const tree = call(kernel, `cannot clone the tree at ${source}`, 'open_tree', AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
  if (readonly) {
    const attributes = Buffer.alloc(32)
    attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_RDONLY), 0)
    call(kernel, `cannot make ${source} read-only`, 'mount_setattr', tree, '', AT_EMPTY_PATH, attributes, attributes.length)
  }
  place(kernel, tree, target)
}

/** Lazily: what is in use goes when its last user does. Not being a mount point is no error. */
export function unmount(kernel: Calls, target: string): void {
  const result = kernel.syscall(nr('umount2'), target, MNT_DETACH | UMOUNT_NOFOLLOW)
  const [ENOENT, EINVAL] = [2, 22]
  if (result < 0 && result !== -EINVAL && result !== -ENOENT) throw new KernelError(`cannot unmount ${target}`, -result)
}

function place(kernel: Calls, mount: number, target: string): void {
  try {
    call(kernel, `cannot mount on ${target}`, 'move_mount', mount, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH)
  } finally {
    closeSync(mount)
  }
}

function call(kernel: Calls, act: string, name: string, ...args: SyscallArgument[]): number {
  const result = kernel.syscall(nr(name), ...args)
  if (result < 0) throw new KernelError(act, -result)
  return result
}
