import { closeSync, openSync } from 'node:fs'
import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_PATH } from './constants/files.ts'
import { FSCONFIG_CMD_CREATE, FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, MNT_DETACH, MOUNT_ATTR_RDONLY, MOVE_MOUNT_F_EMPTY_PATH, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE, UMOUNT_NOFOLLOW } from './constants/mounts.ts'
import { KernelError } from './failure.ts'
import type { Kernel, SyscallArgument } from './kernel.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

const EINVAL = 22
const pageSize = 4096

export interface OverlayMount {
  /** Topmost first. */
  lower: string[]
  upper: string
  work: string
  /** Flags and key=value pairs of the overlay file system. */
  options?: string[]
}

/** Mounts an overlay, whatever the number of its layers and the length of their paths. */
export function mountOverlay(kernel: Calls, target: string, overlay: OverlayMount): void {
  if (!mountByLayer(kernel, target, overlay)) mountByOptions(kernel, target, overlay)
}

function mountByLayer(kernel: Calls, target: string, overlay: OverlayMount): boolean {
  const mount = detachedOverlay(kernel, overlay)
  if (mount !== undefined) attachTree(kernel, mount, target)
  return mount !== undefined
}

/**
 * An overlay that is mounted nowhere: it goes with its descriptor. Through the fd-based API, a layer at a time. `lowerdir+` came
 * with Linux 6.8; what is older refuses it at once, or, before 6.5, takes any key, until a page is full, and refuses when the
 * file system is made.
 * @returns undefined when this kernel cannot do it so
 */
export function detachedOverlay(kernel: Calls, { lower, upper, work, options = [] }: OverlayMount): number | undefined {
  const context = call(kernel, 'cannot open an overlay file system', 'fsopen', 'overlay', FSOPEN_CLOEXEC)
  try {
    const set = (key: string, value: string): void => {
      call(kernel, `cannot use ${value} as overlay ${key}`, 'fsconfig', context, FSCONFIG_SET_STRING, key, value, 0)
    }
    set('source', 'overlay')
    for (const path of lower) {
      const result = kernel.syscall(nr('fsconfig'), context, FSCONFIG_SET_STRING, 'lowerdir+', path, 0)
      if (result === -EINVAL) return undefined
      if (result < 0) throw new KernelError(`cannot use ${path} as overlay layer`, -result)
    }
    set('upperdir', upper)
    set('workdir', work)
    for (const option of options) {
      const [key = '', value] = option.split('=', 2)
      if (value === undefined) call(kernel, `cannot set overlay option ${key}`, 'fsconfig', context, FSCONFIG_SET_FLAG, key, null, 0)
      else set(key, value)
    }
    const result = kernel.syscall(nr('fsconfig'), context, FSCONFIG_CMD_CREATE, null, null, 0)
    if (result === -EINVAL) return undefined
    if (result < 0) throw new KernelError('cannot make the overlay', -result)
    return call(kernel, 'cannot mount the overlay', 'fsmount', context, FSMOUNT_CLOEXEC, 0)
  } finally {
    closeSync(context)
  }
}

/** One page of options (man 2 mount) holds all that Docker allows, 128 layers, when descriptors stand for their paths. */
function mountByOptions(kernel: Calls, target: string, { lower, upper, work, options = [] }: OverlayMount): void {
  const opened: number[] = []
  const byDescriptor = (path: string): string => {
    opened.push(openSync(path, O_PATH | O_CLOEXEC))
    return `/proc/self/fd/${opened.at(-1)}`
  }
  const text = (paths: string[]): string => {
    const dirs = { lowerdir: paths.join(':'), upperdir: escaped(upper), workdir: escaped(work) }
    return [...Object.entries(dirs).map(([key, value]) => `${key}=${value}`), ...options.map(quoted)].join(',')
  }
  try {
    const readable = text(lower.map(escaped))
    const data = Buffer.byteLength(readable) < pageSize ? readable : text(lower.map(byDescriptor))
    call(kernel, 'cannot make the overlay', 'mount', 'overlay', target, 'overlay', 0, data)
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

/** SELinux labels have commas: who reads them takes quotes (man 8 mount, context=). */
function quoted(option: string): string {
  return option.includes(',') ? option.replace(/=(.*)$/s, '="$1"') : option
}

/** In options a comma ends a value, and a colon a layer. */
function escaped(path: string): string {
  return path.replaceAll(/[\\:,]/g, String.raw`\$&`)
}

/** Lets the kernel load the module of a file system, as it does at the first use of one. */
export function loadFilesystem(kernel: Calls, name: string): void {
  const context = kernel.syscall(nr('fsopen'), name, FSOPEN_CLOEXEC)
  if (context >= 0) closeSync(context)
}

/** Binds one directory on another. */
export function mountBind(kernel: Calls, source: string, target: string, readonly: boolean): void {
  const tree = call(kernel, `cannot clone the tree at ${source}`, 'open_tree', AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
  if (readonly) {
    const attributes = Buffer.alloc(32)
    attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_RDONLY), 0)
    call(kernel, `cannot make ${source} read-only`, 'mount_setattr', tree, '', AT_EMPTY_PATH, attributes, attributes.length)
  }
  attachTree(kernel, tree, target)
}

/** Lazily: what is in use goes when its last user does. Not being a mount point is no error. */
export function unmount(kernel: Calls, target: string): void {
  const result = kernel.syscall(nr('umount2'), target, MNT_DETACH | UMOUNT_NOFOLLOW)
  const ENOENT = 2
  if (result < 0 && result !== -EINVAL && result !== -ENOENT) throw new KernelError(`cannot unmount ${target}`, -result)
}

/** Mounts a detached tree at a path, and closes its descriptor. */
export function attachTree(kernel: Calls, mount: number, target: string): void {
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
