import { mkdirSync } from 'node:fs'
import type { Kernel } from '../../../kernel/kernel.ts'
import { loadFilesystem } from '../../../kernel/mount.ts'
import type { Snapshotter } from '../contract.ts'
import type { SnapshotDriver } from '../driver.ts'
import { driverOptions, parseBytes } from '../storage-options.ts'
import { GantryError } from '../../../lib/errors.ts'
import { openProjectQuota } from '../quota/project-quota.ts'
import { missingFilesystem } from '../missing-filesystem.ts'
import { moduleParameter } from './module-parameter.ts'
import { OverlaySnapshotter, type OverlayFlavour } from './overlay-snapshotter.ts'
import { driverStatus } from './status.ts'

/** Overlay mounts by the kernel: Documentation/filesystems/overlayfs.rst. */
export const overlay2: SnapshotDriver = {
  name: 'overlay2',
  async missing({ kernel }) {
    return missingFilesystem('overlay', () => loadFilesystem(kernel, 'overlay'))
  },
  async open({ root, kernel, options, log }) {
    const given = driverOptions('overlay2', 'overlay2', options, ['size', 'override_kernel_check'])
    if (given.has('override_kernel_check')) log('overlay2: overlay2.override_kernel_check has no effect: no kernel is refused for its version')
    const size = given.get('size')
    const bytes = size === undefined ? undefined : parseBytes(size)
    if (size !== undefined && bytes === undefined) throw new GantryError('InvalidParameter', `invalid size: '${size}'`)
    const snapshotter = openOverlay2({ root, kernel, quota: bytes })
    if (bytes !== undefined && !openProjectQuota(kernel, root)) {
      throw new GantryError('InvalidParameter', "Storage Option overlay2.size only supported for backingFS XFS or ext4 with the mount option 'pquota'")
    }
    return snapshotter
  },
}

/** `quota`: of containers that ask for none. */
export function openOverlay2(options: { root: string; kernel: Kernel; quota?: number | undefined }): Snapshotter {
  mkdirSync(options.root, { recursive: true, mode: 0o710 })
  return new OverlaySnapshotter({ ...options, flavour: native(options.root) })
}

/**
 * The kernel's defaults for these can be changed by module parameters. Each would keep us from reading an upper directory by itself
 * (metacopy, redirect_dir) or from using it again after an unclean end (index), so they are set off where they are on.
 */
function native(root: string): OverlayFlavour {
  const options = ['metacopy', 'redirect_dir', 'index'].filter(moduleParameter).map((name) => `${name}=off`)
  return {
    name: 'overlay2',
    marks: 'nodes',
    mount: ({ lower, upper, work }) => ({ type: 'overlay', lower, upper, work, ...(options.length > 0 && { options }) }),
    activate: async () => {},
    deactivate: async () => {},
    quotaRefusal: "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
    status: () => driverStatus(root),
  }
}
