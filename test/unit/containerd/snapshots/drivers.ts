import { btrfs } from '../../../../src/containerd/snapshots/btrfs/btrfs.ts'
import { devicemapper } from '../../../../src/containerd/snapshots/devicemapper/devicemapper.ts'
import type { SnapshotDriver } from '../../../../src/containerd/snapshots/driver.ts'
import { fuseOverlayfs } from '../../../../src/containerd/snapshots/fuse-overlayfs/fuse-overlayfs.ts'
import { overlay2 } from '../../../../src/containerd/snapshots/overlay2/overlay2.ts'
import { vfs } from '../../../../src/containerd/snapshots/vfs/vfs.ts'
import { zfs } from '../../../../src/containerd/snapshots/zfs/zfs.ts'

export const drivers: readonly SnapshotDriver[] = [overlay2, fuseOverlayfs, btrfs, devicemapper, zfs, vfs]

export function driverNamed(name: string): SnapshotDriver {
  return drivers.find((driver) => driver.name === name)!
}
