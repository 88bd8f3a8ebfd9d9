import { btrfs } from '../containerd/snapshots/btrfs/btrfs.ts'
import { devicemapper } from '../containerd/snapshots/devicemapper/devicemapper.ts'
import type { SnapshotDriver } from '../containerd/snapshots/driver.ts'
import { fuseOverlayfs } from '../containerd/snapshots/fuse-overlayfs/fuse-overlayfs.ts'
import { overlay2 } from '../containerd/snapshots/overlay2/overlay2.ts'
import { vfs } from '../containerd/snapshots/vfs/vfs.ts'
import { zfs } from '../containerd/snapshots/zfs/zfs.ts'
import { GantryError } from '../lib/errors.ts'
import { remoteDrivers } from '../logging/drivers.ts'

/** What the engine is made of. What is not in these lists does not exist. Storage drivers in the order in which they are tried. */
export const snapshotDrivers: readonly SnapshotDriver[] = [overlay2, fuseOverlayfs, btrfs, zfs, devicemapper, vfs]
export const networkDrivers = ['bridge', 'cni', 'host', 'ipvlan', 'macvlan', 'null'] as const

/** As `docker info` lists them: "none" is not among them. */
export const logDrivers: readonly string[] = ['json-file', 'local', ...remoteDrivers.map(({ name }) => name)].toSorted()

/** Drivers of Docker's that will not come, with the reason. */
const goneDrivers: Record<string, string> = {
  aufs: 'aufs is in no current kernel and Docker removed it in 24.0; use overlay2',
  overlay: 'overlay was removed from Docker in 24.0; use overlay2',
}

/** @throws InvalidParameter with the reason for a name that no driver has */
export function checkStorageDriver(name: string): void {
  const gone = goneDrivers[name]
  if (gone !== undefined) throw new GantryError('InvalidParameter', gone)
  if (!snapshotDrivers.some((driver) => driver.name === name)) throw new GantryError('InvalidParameter', `error initializing graphdriver: driver not supported: ${name}`)
}
