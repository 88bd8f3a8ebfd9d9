import { chmodSync, existsSync, mkdirSync, readdirSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { loadFilesystem } from '../../../kernel/mount.ts'
import type { SnapshotDriver } from '../driver.ts'
import { missingFilesystem } from '../missing-filesystem.ts'
import { driverOptions, parseBytes } from '../storage-options.ts'
import type { TreeBackend } from '../tree/tree-backend.ts'
import { openTrees } from '../tree/tree-snapshotter.ts'
import { syncFilesystem } from '../tree/unpack-layer.ts'
import { createSubvolume, deleteSubvolume, enableQuota, limitSubvolume, setReadOnly, snapshotSubvolume } from './subvolume.ts'

const magic = 0x9123683e

/** A subvolume for each layer and container: https://btrfs.readthedocs.io/en/latest/Subvolumes.html. */
export const btrfs: SnapshotDriver = {
  name: 'btrfs',
  async missing({ kernel, root }) {
    const reason = missingFilesystem('btrfs', () => loadFilesystem(kernel, 'btrfs'))
    if (reason !== undefined) return reason
    return statfsSync(existing(root)).type === magic ? undefined : 'prerequisites for driver not satisfied (wrong filesystem?)'
  },
  async open({ root, kernel, options, log }) {
    const given = driverOptions('btrfs', 'btrfs', options, ['min_space', 'size'])
    const bytes = (name: string): number | undefined => {
      const text = given.get(name)
      const value = text === undefined ? undefined : parseBytes(text)
      if (text !== undefined && value === undefined) throw new GantryError('InvalidParameter', `invalid size: '${text}'`)
      return value
    }
    mkdirSync(root, { recursive: true, mode: 0o710 })
    const backend = btrfsBackend(root, kernel, bytes('min_space') ?? 0)
    return await openTrees({ root, kernel, quota: bytes('size'), log, backend })
  },
}

function btrfsBackend(root: string, kernel: Kernel, leastQuota: number): TreeBackend {
  const trees = join(root, 'subvolumes')
  const directory = (tree: string): string => join(trees, tree)
  mkdirSync(trees, { recursive: true, mode: 0o710 })
  return {
    name: 'btrfs',
    directory,
    isOpen: () => true,
    list: async () => readdirSync(trees),
    async create(tree, origin, { quota }) {
      if (quota !== undefined && quota < leastQuota) {
        throw new GantryError('InvalidParameter', `btrfs: storage size cannot be less than ${leastQuota}`)
      }
      if (origin === undefined) createSubvolume(kernel, directory(tree))
      else snapshotSubvolume(kernel, directory(origin), directory(tree))
      if (origin === undefined) chmodSync(directory(tree), 0o755)
      if (quota === undefined) return
      enableQuota(kernel, root)
      limitSubvolume(kernel, directory(tree), quota)
    },
    open: async () => {},
    close: async () => {},
    async seal(tree) {
      await syncFilesystem(kernel, directory(tree))
      setReadOnly(kernel, directory(tree))
    },
    async remove(tree) {
      if (existsSync(directory(tree))) deleteSubvolume(kernel, directory(tree))
    },
    graphData: () => ({}),
    status: () => [['Btrfs', '']],
    end: async () => {},
  }
}

function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path))
}
