import { closeSync, mkdirSync, openSync, rmdirSync } from 'node:fs'
import { AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, O_CLOEXEC, O_PATH } from './constants/files.ts'
import { MOUNT_ATTR_RDONLY, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, MS_PRIVATE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from './constants/mounts.ts'
import { KernelError } from './failure.ts'
import type { Kernel, SyscallArgument } from './kernel.ts'
import { mountMappedBind, mountMappedOverlay, type MappedBy } from './mapped-mount.ts'
import { detachedOverlay, mountBind, mountOverlay, unmount, type OverlayMount } from './mount.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

export type TreeRoot = ({ type: 'overlay' } & OverlayMount) | { type: 'bind'; source: string; readonly: boolean }

export interface DetachedTree {
  root: TreeRoot
  /**
   * Called with a descriptor of the root to mount more on it; `graft` puts the tree at a host path on what a descriptor names.
   */
  furnish: (root: number, graft: (source: string, target: number, readonly: boolean) => void) => void
  /** The root itself; what is grafted stays as it is. */
  readonly: boolean
  /** A path that nothing exists at yet, for kernels that cannot mount on what is detached (before 6.15). */
  scratch: string
  /** Ids of the root as others (see mapped-mount.ts). */
  mapped?: { by: MappedBy; staging: string }
}

/**
 * A tree of mounts that is mounted nowhere: it goes with its descriptor, also when this process is killed. What is grafted is
 * private first, so that taking it down reaches no other mount (mount_namespaces(7)).
 */
export function openDetachedTree(kernel: Calls, options: DetachedTree): number {
  return (options.mapped === undefined ? detached(kernel, options) : undefined) ?? viaScratch(kernel, options)
}

/** @returns undefined when this kernel cannot do it so */
function detached(kernel: Calls, { root, furnish, readonly }: DetachedTree): number | undefined {
  const tree = root.type === 'overlay' ? detachedOverlay(kernel, root) : cloneTree(kernel, root.source)
  if (tree === undefined) return undefined
  let grafts = true
  try {
    // What is mounted on a shared mount appears on all its peers.
    setAttributes(kernel, tree, { privately: true, recursively: true })
    furnish(tree, (source, target, isReadOnly) => {
      grafts &&= graft(kernel, { source, target, readonly: isReadOnly })
    })
    if (grafts && readonly) setAttributes(kernel, tree, { readonly: true })
  } catch (error) {
    closeSync(tree)
    throw error
  }
  if (grafts) return tree
  closeSync(tree)
  return undefined
}

/** Mounts it for as long as it takes to copy the tree of mounts; what a kill leaves is removed at the next start. */
export function viaScratch(kernel: Calls, { root, furnish, readonly, scratch, mapped }: DetachedTree): number {
  mkdirSync(scratch, { mode: 0o700, recursive: true })
  try {
    if (mapped !== undefined) mountMapped(kernel, scratch, { root, ...mapped })
    else if (root.type === 'overlay') mountOverlay(kernel, scratch, root)
    else mountBind(kernel, root.source, scratch, false)
    const descriptor = openSync(scratch, O_PATH | O_CLOEXEC)
    try {
      setAttributes(kernel, descriptor, { privately: true })
      furnish(descriptor, (source, target, isReadOnly) => {
        if (!graft(kernel, { source, target, readonly: isReadOnly })) throw new KernelError(`cannot mount ${source}`, 22)
      })
      if (readonly) setAttributes(kernel, descriptor, { readonly: true })
      return cloneTree(kernel, scratch)
    } finally {
      closeSync(descriptor)
    }
  } finally {
    unmount(kernel, scratch)
    rmdirSync(scratch)
  }
}

function mountMapped(kernel: Calls, target: string, { root, by, staging }: { root: TreeRoot; by: MappedBy; staging: string }): void {
  if (root.type === 'overlay') mountMappedOverlay(kernel, target, { overlay: root, by, staging })
  else mountMappedBind(kernel, target, { source: root.source, by })
}

/** @returns false when this kernel does not mount there */
function graft(kernel: Calls, { source, target, readonly }: { source: string; target: number; readonly: boolean }): boolean {
  const tree = cloneTree(kernel, source)
  try {
    setAttributes(kernel, tree, { readonly, privately: true, recursively: true })
    const EINVAL = 22
    const result = kernel.syscall(nr('move_mount'), tree, '', target, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
    if (result < 0 && result !== -EINVAL) throw new KernelError(`cannot mount ${source}`, -result)
    return result >= 0
  } finally {
    closeSync(tree)
  }
}

/** A copy of the mounts at a path, mounted nowhere: it stays when those are unmounted. */
export function cloneTree(kernel: Calls, source: string): number {
  return call(kernel, `cannot clone the tree at ${source}`, 'open_tree', AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)
}

/** mount_setattr(2), struct mount_attr. */
function setAttributes(kernel: Calls, mount: number, set: { readonly?: boolean; privately?: boolean; recursively?: boolean }): void {
  const attributes = Buffer.alloc(32)
  if (set.readonly) attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_RDONLY), 0)
  if (set.privately) attributes.writeBigUInt64LE(BigInt(MS_PRIVATE), 16)
  const flags = AT_EMPTY_PATH | (set.recursively ? AT_RECURSIVE : 0)
  call(kernel, 'cannot set the attributes of a mount', 'mount_setattr', mount, '', flags, attributes, attributes.length)
}

function call(kernel: Calls, act: string, name: string, ...args: SyscallArgument[]): number {
  const result = kernel.syscall(nr(name), ...args)
  if (result < 0) throw new KernelError(act, -result)
  return result
}
