import { AT_EMPTY_PATH, AT_FDCWD } from '../../kernel/constants/files.ts'
import {
  MOUNT_ATTR_RDONLY, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS, MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC,
  OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
} from '../../kernel/constants/mounts.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { setAttributes } from './attributes.ts'
import { withLabel } from './label.ts'

const ENOENT = 2
const ENOTDIR = 20
const EINVAL = 22

/**
 * Hides paths of the process's own root: a file behind /dev/null, a directory behind an empty read-only tmpfs.
 * `nullDevice` is a descriptor of the real null device, so that no path can offer another one (CVE-2025-31133): the node in
 * a new /dev, or a mount that is nowhere yet. Such a mount cannot be copied before it is somewhere: it is the first mask.
 */
export function maskPaths(builder: ProgramBuilder, paths: readonly string[], { nullDevice, label }: { nullDevice: Cell; label: string | undefined }): void {
  if (paths.length === 0) return
  const data = builder.string(withLabel('nr_blocks=1,nr_inodes=1', label))
  const mask = builder.cell('mask')
  const empty = builder.string('')
  const tmpfs = builder.string('tmpfs')
  for (const path of paths) {
    // A file on a directory is EINVAL, and a tmpfs on a file is an error: nothing stays unmasked unnoticed.
    const [copied, masked] = [builder.label(), builder.label()]
    const place = builder.string(path)
    const clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    builder.call('copy /dev/null', 'open_tree', [nullDevice, empty, clone | AT_EMPTY_PATH], { save: mask, ignore: [EINVAL], onSuccess: copied })
    builder.copy('use the mount itself', nullDevice, mask)
    builder.place(copied)
    builder.call(`mask ${path}`, 'move_mount', [mask, empty, AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS], {
      ignore: [ENOENT, EINVAL],
      onSuccess: masked,
    })
    const flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
    builder.call(`mask directory ${path}`, 'mount', [tmpfs, place, tmpfs, flags, data], { ignore: [ENOENT] })
    builder.place(masked)
  }
}

/** Makes paths of the process's own root read-only. Those that are not there need it not. */
export function protectPaths(builder: ProgramBuilder, paths: readonly string[]): void {
  for (const path of paths) {
    const place = builder.string(path)
    builder.call(`bind ${path} to itself`, 'mount', [place, place, null, MS_BIND | MS_REC, null], { ignore: [ENOENT, ENOTDIR] })
    setAttributes(builder, `make ${path} read-only`, { path }, { set: MOUNT_ATTR_RDONLY }, [ENOENT, ENOTDIR])
  }
}
