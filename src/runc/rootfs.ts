import { AT_FDCWD, AT_RECURSIVE } from '../kernel/constants/files.ts'
import {
  MNT_DETACH, MOUNT_ATTR_RDONLY, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS, MS_MOVE, MS_PRIVATE, MS_REC, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
} from '../kernel/constants/mounts.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { setAttributes } from './mounts/attributes.ts'
import { parsePropagation } from './mounts/options.ts'

/** Cuts the new mount namespace off from the host's mount events, in both directions. */
export function isolateMounts(builder: ProgramBuilder): void {
  builder.call('make all mounts private', 'mount', [null, builder.string('/'), null, MS_REC | MS_PRIVATE, null])
}

/** A copy of the root file system's mount. */
export function copyRoot(builder: ProgramBuilder, root: Cell, rootfs: string): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE
  builder.call(`copy the mount at ${rootfs}`, 'open_tree', [AT_FDCWD, builder.string(rootfs), flags], { save: root })
}

/** Puts the copy on a path: pivot_root needs a mount point. */
export function placeRoot(builder: ProgramBuilder, root: Cell, path: string): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS
  builder.call('make it a mount of its own', 'move_mount', [root, builder.string(''), AT_FDCWD, builder.string(path), flags])
}

/** The root file system becomes "/", and the host's is gone (man 2 pivot_root, "pivot_root(".", ".")"). */
export function enterRoot(builder: ProgramBuilder, root: Cell): void {
  const here = builder.string('.')
  builder.call('enter the new root', 'fchdir', [root])
  builder.call('make it the root', 'pivot_root', [here, here])
  builder.call('detach the root of the host', 'umount2', [here, MNT_DETACH])
  builder.call('enter /', 'chdir', [builder.string('/')])
}

/**
 * The same on an initial root file system in memory, which cannot be pivoted away (--no-pivot). The host's tree stays beneath,
 * where a process with CAP_SYS_ADMIN may find it again.
 */
export function enterRootByMove(builder: ProgramBuilder, root: Cell): void {
  builder.call('enter the new root', 'fchdir', [root])
  builder.call('move it over the root of the host', 'mount', [builder.string('.'), builder.string('/'), null, MS_MOVE, null])
  builder.call('make it the root', 'chroot', [builder.string('.')])
  builder.call('enter /', 'chdir', [builder.string('/')])
}

/** What concerns the root mount as a whole, once everything is made in it. */
export function finishRoot(builder: ProgramBuilder, readonly: boolean, propagation: string | undefined): void {
  const wanted = parsePropagation(propagation ?? '')
  if (wanted !== undefined && wanted.flag !== MS_PRIVATE) {
    setAttributes(builder, `set propagation of / to ${propagation}`, { path: '/' }, { propagation: wanted.flag, recursive: wanted.recursive })
  }
  if (readonly) setAttributes(builder, 'make / read-only', { path: '/' }, { set: MOUNT_ATTR_RDONLY })
}
