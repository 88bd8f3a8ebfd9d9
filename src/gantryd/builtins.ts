import { readFileSync } from 'node:fs'
import { linuxKernel } from '../kernel/linux.ts'
import { loadFilesystem } from '../kernel/mount.ts'
import { GantryError } from '../lib/errors.ts'

/** What the engine is made of. What is not in these lists does not exist. */
export const snapshotDrivers = ['overlay2'] as const
export const networkDrivers = ['bridge', 'host', 'null'] as const
export const logDrivers = ['json-file'] as const

/** Drivers of Docker's that are planned, and the ones that will not come, with the reason. */
const plannedDrivers = new Set(['vfs', 'btrfs', 'zfs', 'fuse-overlayfs', 'devicemapper'])
const goneDrivers: Record<string, string> = {
  aufs: 'aufs is in no current kernel and Docker removed it in 24.0; use overlay2',
  overlay: 'overlay was removed from Docker in 24.0; use overlay2',
}

/** @throws InvalidParameter or NotImplemented with the reason, Unavailable naming the kernel module that is not there */
export function checkStorageDriver(name: string, filesystems: () => string = kernelFilesystems): void {
  const gone = goneDrivers[name]
  if (gone !== undefined) throw new GantryError('InvalidParameter', gone)
  if (plannedDrivers.has(name)) throw new GantryError('NotImplemented', `not implemented yet: --storage-driver ${name}`)
  if (name !== 'overlay2') throw new GantryError('InvalidParameter', `error initializing graphdriver: driver not supported: ${name}`)
  if (!/\toverlay$/m.test(filesystems())) loadFilesystem(linuxKernel, 'overlay')
  if (!/\toverlay$/m.test(filesystems())) {
    throw new GantryError('Unavailable', 'cannot use storage driver overlay2: the kernel module "overlay" is not loaded (modprobe overlay)')
  }
}

function kernelFilesystems(): string {
  return readFileSync('/proc/filesystems', 'utf8')
}
