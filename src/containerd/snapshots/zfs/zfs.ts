import { existsSync, mkdirSync, readFileSync, statSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { loadFilesystem, unmount } from '../../../kernel/mount.ts'
import { nr } from '../../../kernel/syscalls.ts'
import type { SnapshotDriver } from '../driver.ts'
import { runHostTool } from '../host-tool.ts'
import { missingFilesystem } from '../missing-filesystem.ts'
import { driverOptions } from '../storage-options.ts'
import type { TreeBackend } from '../tree/tree-backend.ts'
import { openTrees } from '../tree/tree-snapshotter.ts'
import { syncFilesystem } from '../tree/unpack-layer.ts'

/** The snapshot of a sealed dataset that others are clones of. */
const sealed = 'layer'

/** A dataset for each layer and container, by zfs(8). */
export const zfs: SnapshotDriver = {
  name: 'zfs',
  async missing({ kernel, root, options = [] }) {
    const reason = missingFilesystem('zfs', () => loadFilesystem(kernel, 'zfs'))
    if (reason !== undefined) return reason
    if (!existsSync('/dev/zfs')) return 'cannot find /dev/zfs'
    const { code } = await kernel.tool(['zfs', 'version'])
    if (code === 127) return 'exec: "zfs": executable file not found in $PATH'
    return parentOf(root, optionsOf(options)) === undefined ? 'prerequisites for driver not satisfied (wrong filesystem?): say --storage-opt zfs.fsname' : undefined
  },
  async open({ root, kernel, options, log }) {
    const given = optionsOf(options)
    const parent = parentOf(root, given)
    if (parent === undefined) throw new GantryError('Unavailable', `cannot open zfs at ${root}: it is on no dataset`)
    mkdirSync(root, { recursive: true, mode: 0o700 })
    return await openTrees({ root, kernel, log, backend: zfsBackend(root, kernel, { parent, mountOptions: given.get('mountopt') ?? '' }) })
  },
}

function optionsOf(options: readonly string[]): Map<string, string> {
  return driverOptions('zfs', 'zfs', options, ['fsname', 'mountopt'])
}

/** The dataset to make others in. */
function parentOf(root: string, given: Map<string, string>): string | undefined {
  return given.get('fsname') ?? datasetOf(root)
}

function zfsBackend(root: string, kernel: Kernel, { parent, mountOptions }: { parent: string; mountOptions: string }): TreeBackend {
  const dataset = (tree: string): string => `${parent}/${tree}`
  const directory = (tree: string): string => join(root, 'graph', tree)
  const pool = parent.split('/')[0]!
  const rows = new Map<string, string>()
  mkdirSync(join(root, 'graph'), { recursive: true, mode: 0o710 })
  const isOpen = (tree: string): boolean => {
    const stats = statSync(directory(tree), { throwIfNoEntry: false })
    return stats !== undefined && stats.dev !== statSync(join(root, 'graph')).dev
  }
  const refresh = async (): Promise<void> => {
    const output = await runHostTool(kernel, 'zfs', 'get', '-Hp', '-o', 'property,value', 'used,available,quota,compression', parent)
    for (const line of output.split('\n')) {
      const [property = '', value = ''] = line.split('\t')
      rows.set(property, value)
    }
    rows.set('health', await runHostTool(kernel, 'zpool', 'list', '-H', '-o', 'health', pool))
  }
  return {
    name: 'zfs',
    directory,
    isOpen,
    async list() {
      await refresh()
      const names = await runHostTool(kernel, 'zfs', 'list', '-H', '-o', 'name', '-r', '-d', '1', '-t', 'filesystem', parent)
      return names.split('\n').map((name) => name.slice(parent.length + 1)).filter((name) => /^[a-f0-9]{32}$/.test(name))
    },
    async create(tree, origin, { quota }) {
      const properties = ['-o', 'mountpoint=legacy', ...(quota === undefined ? [] : ['-o', `refquota=${quota}`])]
      if (origin === undefined) await runHostTool(kernel, 'zfs', 'create', ...properties, dataset(tree))
      else await runHostTool(kernel, 'zfs', 'clone', ...properties, `${dataset(origin)}@${sealed}`, dataset(tree))
      await refresh()
    },
    async open(tree) {
      if (isOpen(tree)) return
      mkdirSync(directory(tree), { recursive: true, mode: 0o755 })
      const result = kernel.syscall(nr('mount'), dataset(tree), directory(tree), 'zfs', 0, mountOptions)
      if (result < 0) throw new KernelError(`cannot mount ${dataset(tree)}`, -result)
    },
    async close(tree) {
      if (isOpen(tree)) unmount(kernel, directory(tree))
      if (existsSync(directory(tree))) rmdirSync(directory(tree))
    },
    async seal(tree) {
      await syncFilesystem(kernel, directory(tree))
      await runHostTool(kernel, 'zfs', 'snapshot', `${dataset(tree)}@${sealed}`)
      await runHostTool(kernel, 'zfs', 'set', 'readonly=on', dataset(tree))
    },
    async remove(tree) {
      if ((await kernel.tool(['zfs', 'list', '-H', '-o', 'name', dataset(tree)])).code !== 0) return
      await runHostTool(kernel, 'zfs', 'destroy', '-r', dataset(tree))
      await refresh()
    },
    graphData: (tree) => ({ Dataset: dataset(tree), Mountpoint: directory(tree) }),
    status: () => [
      ['Zpool', pool],
      ['Zpool Health', rows.get('health') ?? ''],
      ['Parent Dataset', parent],
      ['Space Used By Parent', rows.get('used') ?? ''],
      ['Space Available', rows.get('available') ?? ''],
      ['Parent Quota', rows.get('quota') === '0' ? 'no' : (rows.get('quota') ?? '')],
      ['Compression', rows.get('compression') ?? ''],
    ],
    end: async () => {},
  }
}

/** The dataset that a directory lies on. */
function datasetOf(path: string): string | undefined {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '))
  for (let at = path; ; at = dirname(at)) {
    const mount = mounts.findLast(([, target]) => target === at)
    if (mount) return mount[2] === 'zfs' ? mount[0] : undefined
    if (at === '/') return undefined
  }
}
