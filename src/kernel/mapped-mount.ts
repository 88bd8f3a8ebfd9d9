import { closeSync, mkdirSync } from 'node:fs'
import { posix } from 'node:path'
import { AT_EMPTY_PATH, AT_FDCWD } from './constants/files.ts'
import { MOUNT_ATTR_IDMAP, MOUNT_ATTR_RDONLY, MOVE_MOUNT_F_EMPTY_PATH, MS_PRIVATE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from './constants/mounts.ts'
import { KernelError } from './failure.ts'
import { withFileIdentity } from './file-identity.ts'
import type { Kernel, SyscallArgument } from './kernel.ts'
import { mountOverlay, unmount, type OverlayMount } from './mount.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

/** By whose ids a mount shows its files. */
export interface MappedBy {
  /** Descriptor of a user namespace: what is 0 on disk is its user 0. */
  namespace: number
  /** What its user and group 0 are on the host. */
  uid: number
  gid: number
}

/** A bind mount with mapped ids. */
export function mountMappedBind(kernel: Calls, target: string, { source, readonly = false, by }: { source: string; readonly?: boolean; by: MappedBy }): void {
  const tree = call(kernel, `cannot clone the tree at ${source}`, 'open_tree', AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
  try {
    const attributes = Buffer.alloc(32)
    attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_IDMAP | (readonly ? MOUNT_ATTR_RDONLY : 0)), 0)
    // As a peer of the source it would get what is mounted there, and taking it down would take that along.
    attributes.writeBigUInt64LE(BigInt(MS_PRIVATE), 16)
    attributes.writeBigUInt64LE(BigInt(by.namespace), 24)
    call(kernel, `cannot map the ids of ${source}: its file system has to support that`, 'mount_setattr', tree, '', AT_EMPTY_PATH, attributes, attributes.length)
    call(kernel, `cannot mount on ${target}`, 'move_mount', tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH)
  } finally {
    closeSync(tree)
  }
}

/**
 * An overlay whose layers have mapped ids, the writable one too: on disk all is as without a map. An overlay cannot be mapped
 * itself, but keeps the map of the mounts that its layers are found through (Linux 5.19). `staging` is a directory, made when
 * missing, on which their common parent is mounted meanwhile.
 */
export function mountMappedOverlay(kernel: Calls, target: string, { overlay, by, staging }: { overlay: OverlayMount; by: MappedBy; staging: string }): void {
  const { lower, upper, work } = overlay
  const parent = commonParent([...lower, upper, work])
  const staged = (path: string): string => posix.join(staging, posix.relative(parent, path))
  mkdirSync(staging, { recursive: true, mode: 0o700 })
  mountMappedBind(kernel, staging, { source: parent, by })
  try {
    // An overlay makes files as who mounted it, who has to be somebody by the map.
    withFileIdentity(kernel, by, () => mountOverlay(kernel, target, { ...overlay, lower: lower.map(staged), upper: staged(upper), work: staged(work) }))
  } finally {
    unmount(kernel, staging)
  }
}

function commonParent(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => posix.dirname(path).split('/'))
  const length = first.findIndex((part, index) => others.some((other) => other[index] !== part))
  return first.slice(0, length === -1 ? first.length : length).join('/') || '/'
}

function call(kernel: Calls, act: string, name: string, ...args: SyscallArgument[]): number {
  const result = kernel.syscall(nr(name), ...args)
  if (result < 0) throw new KernelError(act, -result)
  return result
}
