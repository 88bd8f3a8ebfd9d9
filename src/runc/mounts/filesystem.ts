import { O_CLOEXEC, O_PATH } from '../../kernel/constants/files.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { openPath } from '../paths.ts'
import type { OciMount } from '../spec.ts'
import { setAttributes } from './attributes.ts'
import { parseMountOptions } from './options.ts'
import { openTarget } from './target.ts'

/** Kernel file systems that a container's safety rests on: they go where the specification says, not where a symlink leads. */
const exact = new Set(['proc', 'sysfs'])

/** A new file system (proc, sysfs, tmpfs, devpts, mqueue …) on a place inside the root. */
export function mountFilesystem(builder: ProgramBuilder, root: Cell, mount: OciMount, _more: { label: string | undefined; rootfs: string }): void {
  const { destination, type = '', source = type } = mount
  const { flags, data, propagation } = parseMountOptions(mount.options)
  const target = builder.cell(`target ${destination}`)
  openTarget(builder, { root, path: destination, kind: 'directory', save: target, noSymlinks: exact.has(type) })
  builder.call(`enter ${destination}`, 'fchdir', [target])
  const text = data.length === 0 ? null : builder.string(data.join(','))
  builder.call(`mount ${type} on ${destination}`, 'mount', [builder.string(source), builder.string('.'), builder.string(type), flags, text])
  if (propagation !== undefined) {
    // The target's descriptor stands for what lies below the new mount.
    openPath(builder, `open the new ${destination}`, { directory: root, path: destination, flags: O_PATH | O_CLOEXEC }, { save: target })
    setAttributes(builder, `set propagation of ${destination}`, { descriptor: target }, { propagation: propagation.flag, recursive: propagation.recursive })
  }
}
