import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { drivers } from './drivers.ts'
import { needsRoot } from './layer.ts'
import { loopFilesystem } from './loop-filesystem.ts'
import { snapshotterSuite, type DriverPlace } from './suite.ts'

/** Drivers that need a place of a kind of their own. */
const places: Record<string, () => DriverPlace> = {
  btrfs: () => {
    const { directory, remove } = loopFilesystem({ make: ['mkfs.btrfs', '-q'] })
    return { root: join(directory, 'btrfs'), remove }
  },
  zfs: () => zfsPlace(),
  // Most often in an emulated machine; the same code has its thousands in devicemapper.test.ts.
  devicemapper: () => ({ ...directoryPlace(), files: 400, options: ['dm.loopdatasize=2G', 'dm.loopmetadatasize=64M', 'dm.basesize=256M'] }),
}

for (const driver of drivers) {
  const reason = needsRoot || (await missing(driver.name))
  if (reason) test(`storage driver ${driver.name}`, { skip: reason }, () => {})
  else snapshotterSuite(driver, places[driver.name] ?? directoryPlace)
}

/** A pool in a file. In an emulated machine everywhere but on hosts that have zfs. */
function zfsPlace(): DriverPlace {
  const home = mkdtempSync(join(tmpdir(), 'zfs-'))
  const pool = `gantry-${process.pid}`
  writeFileSync(join(home, 'vdev'), '')
  truncateSync(join(home, 'vdev'), 1 << 30)
  execFileSync('zpool', ['create', '-m', join(home, 'pool'), pool, join(home, 'vdev')])
  return {
    root: join(home, 'pool', 'zfs'),
    files: 400,
    remove: () => {
      execFileSync('zpool', ['destroy', pool])
      rmSync(home, { recursive: true })
    },
  }
}

function directoryPlace(): DriverPlace {
  const root = mkdtempSync(join(tmpdir(), 'driver-'))
  return { root, remove: () => rmSync(root, { recursive: true }) }
}

async function missing(name: string): Promise<string | undefined> {
  if (name === 'btrfs') {
    const { code } = await linuxKernel.tool(['mkfs.btrfs', '--version'])
    return code === 0 ? undefined : 'mkfs.btrfs is not installed (Debian package btrfs-progs)'
  }
  return await drivers.find((driver) => driver.name === name)!.missing({ kernel: linuxKernel, root: tmpdir(), options: name === 'zfs' ? ['zfs.fsname=pool'] : [] })
}
