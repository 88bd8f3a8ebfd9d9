import { mkdirSync } from 'node:fs'
import type { SnapshotDriver } from '../driver.ts'
import { openTrees } from '../tree/tree-snapshotter.ts'
import { poolOptions } from './options.ts'
import { openPool } from './pool.ts'
import { openThinBackend } from './thin-backend.ts'

/**
 * A thin device for each layer and container, in a pool that the user made (`dm.thinpooldev`, direct-lvm) or in files of our own
 * (loop-lvm, slow). By the tools of Debian's dmsetup and thin-provisioning-tools.
 */
export const devicemapper: SnapshotDriver = {
  name: 'devicemapper',
  async missing({ kernel }) {
    await kernel.tool(['modprobe', '-q', 'dm_thin_pool'])
    const { code, stdout } = await kernel.tool(['dmsetup', 'targets'])
    if (code === 127) return 'exec: "dmsetup": executable file not found in $PATH'
    if (code !== 0) return 'the kernel module "dm_mod" is not loaded (modprobe dm_mod)'
    return /^thin-pool\s/m.test(stdout) ? undefined : 'the kernel module "dm_thin_pool" is not loaded (modprobe dm_thin_pool)'
  },
  async open({ root, kernel, options, log }) {
    const pool = poolOptions(root, options)
    mkdirSync(root, { recursive: true, mode: 0o700 })
    if (pool.thinPool === undefined) {
      log('devmapper: Usage of loopback devices is strongly discouraged for production use. Please use `--storage-opt dm.thinpooldev`')
    }
    for (const name of pool.ignored) log(`devmapper: ${name} has no effect here`)
    const backend = await openThinBackend(kernel, root, { options: pool, pool: await openPool(kernel, root, pool), log })
    return await openTrees({ root, kernel, log, backend })
  },
}
