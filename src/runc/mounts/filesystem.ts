import { O_CLOEXEC, O_PATH } from '../../kernel/constants/files.ts'
import { MOUNT_ATTR_RDONLY, MS_RDONLY } from '../../kernel/constants/mounts.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { openPath } from '../paths.ts'
import type { OciMount } from '../spec.ts'
import { setAttributes } from './attributes.ts'
import { copyUp, type TreeEntry } from './copy-up.ts'
import { labelTop, withLabel } from './label.ts'
import { parseMountOptions } from './options.ts'
import { openTarget } from './target.ts'

export interface FilesystemSurroundings {
  /** SELinux label of what is mounted (`linux.mountLabel`). */
  label: string | undefined
  /** What is in a directory of the root file system, for tmpcopyup. */
  readTree: (directory: string) => readonly TreeEntry[]
}

/** Kernel file systems that a container's safety rests on: they go where the specification says, not where a symlink leads. */
const exact = new Set(['proc', 'sysfs'])
/** These have labels of their own; that of mqueue can be set. */
const selfLabelled = new Set(['proc', 'sysfs', 'mqueue'])

/** A new file system (proc, sysfs, tmpfs, devpts, mqueue …) on a place inside the root. */
export function mountFilesystem(builder: ProgramBuilder, root: Cell, mount: OciMount, { label, readTree }: FilesystemSurroundings): void {
  const { destination, type = '', source = type, options = [] } = mount
  const { flags, data, propagation, recursiveSet, recursiveClear } = parseMountOptions(options)
  const copies = options.includes('tmpcopyup')
  const target = builder.cell(`target ${destination}`)
  openTarget(builder, { root, path: destination, kind: 'directory', save: target, noSymlinks: exact.has(type) })
  builder.call(`enter ${destination}`, 'fchdir', [target])
  const all = selfLabelled.has(type) ? data.join(',') : withLabel(data.join(','), label)
  const text = all === '' ? null : builder.string(all)
  builder.call(`mount ${type} on ${destination}`, 'mount', [builder.string(source), builder.string('.'), builder.string(type), copies ? flags & ~MS_RDONLY : flags, text])
  if (type === 'mqueue' && label) labelTop(builder, { root, destination, label })
  if (propagation === undefined && recursiveSet === 0 && recursiveClear === 0 && !copies) return
  // The target's descriptor stands for what lies below the new mount.
  const mounted = copies ? builder.cell(`new ${destination}`) : target
  openPath(builder, `open the new ${destination}`, { directory: root, path: destination, flags: O_PATH | O_CLOEXEC }, { save: mounted })
  const on = { descriptor: mounted }
  if (copies) {
    copyUp(builder, readTree(destination), { from: target, to: mounted, destination })
    if (flags & MS_RDONLY) setAttributes(builder, `make ${destination} read-only`, on, { set: MOUNT_ATTR_RDONLY })
  }
  if (recursiveSet !== 0 || recursiveClear !== 0) setAttributes(builder, `set flags below ${destination}`, on, { set: recursiveSet, clear: recursiveClear, recursive: true })
  if (propagation !== undefined) setAttributes(builder, `set propagation of ${destination}`, on, { propagation: propagation.flag, recursive: propagation.recursive })
}
