import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { SnapshotDriver } from '../driver.ts'
import { openProjectQuota } from '../quota/project-quota.ts'
import { driverOptions, parseBytes } from '../storage-options.ts'
import type { TreeBackend } from '../tree/tree-backend.ts'
import { openTrees } from '../tree/tree-snapshotter.ts'
import { syncFilesystem } from '../tree/unpack-layer.ts'

/** Full copies in directories: works everywhere. Where the file system shares blocks (btrfs, xfs), a copy costs none. */
export const vfs: SnapshotDriver = {
  name: 'vfs',
  async missing() {
    return undefined
  },
  async open({ root, kernel, options, log }) {
    const size = driverOptions('vfs', 'vfs', options, ['size', 'xattrs']).get('size')
    const quota = size === undefined ? undefined : parseBytes(size)
    if (size !== undefined && quota === undefined) throw new GantryError('InvalidParameter', `invalid size: '${size}'`)
    mkdirSync(root, { recursive: true, mode: 0o710 })
    return await openTrees({ root, kernel, quota, log, backend: vfsBackend(root, kernel) })
  },
}

function vfsBackend(root: string, kernel: Kernel): TreeBackend {
  const trees = join(root, 'dir')
  const directory = (tree: string): string => join(trees, tree)
  mkdirSync(trees, { recursive: true, mode: 0o710 })
  return {
    name: 'vfs',
    directory,
    isOpen: () => true,
    list: async () => readdirSync(trees),
    async create(tree, origin, { quota }) {
      mkdirSync(directory(tree))
      chmodSync(directory(tree), 0o755)
      if (quota !== undefined) setQuota(kernel, directory(tree), { root, quota })
      if (origin !== undefined) await copyTree(kernel, directory(origin), directory(tree))
    },
    open: async () => {},
    close: async () => {},
    seal: async (tree) => syncFilesystem(kernel, directory(tree)),
    // A copy that a killed daemon began may be at its last file.
    remove: async (tree) => rm(directory(tree), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
    graphData: () => ({}),
    status: () => [],
    end: async () => {},
  }
}

function setQuota(kernel: Kernel, directory: string, { root, quota }: { root: string; quota: number }): void {
  const control = openProjectQuota(kernel, root)
  if (control === undefined) throw new GantryError('InvalidParameter', '--storage-opt size is only supported for vfs on file systems with project quotas')
  control.set(directory, quota)
}

/**
 * A copy that outlived a killed daemon would write into what the next one removes. The signal is asked for when we may be dead already,
 * so the shell looks whether its parent is still the one that started it.
 */
const diesWithUs = ['setpriv', '--pdeathsig', 'KILL', '--', 'sh', '-c', `[ "$PPID" = ${process.pid} ] && exec "$@"`, 'sh']

/** In another process, which knows FICLONE, copy_file_range(2) and holes, so that a gigabyte holds nobody up here. */
async function copyTree(kernel: Kernel, from: string, to: string): Promise<void> {
  const { code, stderr } = await kernel.tool([...diesWithUs, 'cp', '-a', '--reflink=auto', '--sparse=auto', '-T', from, to])
  if (code !== 0) throw new GantryError('System', `cannot copy ${from}: ${stderr.trim()}`)
}
