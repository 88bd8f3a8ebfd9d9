import { closeSync, existsSync, fsyncSync, mkdirSync, readFileSync, openSync, renameSync, rmdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { unmount } from '../../../kernel/mount.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { runHostTool } from '../host-tool.ts'
import type { TreeBackend } from '../tree/tree-backend.ts'
import { syncFilesystem } from '../tree/unpack-layer.ts'
import type { PoolOptions } from './options.ts'
import type { Pool } from './pool.ts'
import { poolStatus } from './status.ts'
import { ThinDevices, type ThinDevice } from './thin-devices.ts'

/** The device that every tree without an origin is a snapshot of: an empty file system. */
const base = 'base'
const sectorSize = 512

/** Trees as thin devices of a pool, each with a file system, whose directory "rootfs" is the tree. */
export async function openThinBackend(kernel: Kernel, root: string, { options: wanted, pool, log }: { options: PoolOptions; pool: Pool; log: (line: string) => void }): Promise<TreeBackend> {
  const options = { ...wanted, ...(existsSync(markOf(root)) ? asMade(root, wanted, log) : {}) }
  const devices = new ThinDevices(join(root, 'devices'))
  const mountpoint = (tree: string): string => join(root, 'mnt', tree)
  const name = (tree: string): string => `${options.prefix}-${tree}`
  const path = (tree: string): string => `/dev/mapper/${name(tree)}`
  const isMounted = (tree: string): boolean => {
    const stats = statSync(mountpoint(tree), { throwIfNoEntry: false })
    return stats !== undefined && stats.dev !== statSync(join(root, 'mnt')).dev
  }
  const isMapped = async (tree: string): Promise<boolean> => (await kernel.tool(['dmsetup', 'info', name(tree)])).code === 0
  /** The mount point is made first, so that where there is none nothing can be mapped. */
  const map = async (tree: string, { id, sectors }: ThinDevice): Promise<void> => {
    const isNew = !existsSync(mountpoint(tree))
    mkdirSync(mountpoint(tree), { recursive: true, mode: 0o710 })
    if (!isNew && (await isMapped(tree))) return
    await runHostTool(kernel, 'dmsetup', 'create', name(tree), '--table', `0 ${sectors} thin /dev/mapper/${pool.name} ${id}`)
    if (!existsSync(path(tree))) await runHostTool(kernel, 'dmsetup', 'mknodes', name(tree))
  }
  const unmap = async (tree: string): Promise<void> => {
    const { code, stderr } = await kernel.tool(['dmsetup', 'remove', '--retry', name(tree)])
    if (code !== 0 && (await isMapped(tree))) throw new GantryError('System', `cannot remove device ${name(tree)}: ${stderr.trim()}`)
  }
  const mount = (tree: string): void => {
    const data = [options.filesystem === 'xfs' ? 'nouuid' : '', options.mountOptions].filter(Boolean).join(',')
    const result = kernel.syscall(nr('mount'), path(tree), mountpoint(tree), options.filesystem, 0, data)
    if (result < 0) throw new KernelError(`cannot mount ${path(tree)}`, -result)
  }
  const open = async (tree: string): Promise<void> => {
    if (isMounted(tree)) return
    await map(tree, deviceOf(tree))
    mount(tree)
  }
  const close = async (tree: string): Promise<void> => {
    if (!existsSync(mountpoint(tree))) return
    if (isMounted(tree)) unmount(kernel, mountpoint(tree))
    await unmap(tree)
    rmdirSync(mountpoint(tree))
  }
  const deviceOf = (tree: string): ThinDevice => {
    const device = devices.get(tree)
    if (device === undefined) throw new GantryError('System', `devmapper: no device is known for ${tree}`)
    return device
  }
  const remove = async (tree: string): Promise<void> => {
    const device = devices.get(tree)
    if (device === undefined) return
    const { code, stderr } = await kernel.tool(['dmsetup', 'message', pool.name, '0', `delete ${device.id}`])
    if (code !== 0 && !stderr.includes('No data available')) throw new GantryError('System', `cannot delete thin device ${device.id}: ${stderr.trim()}`)
    devices.delete(tree)
  }
  const make = async (tree: string, sectors: number, from?: ThinDevice): Promise<ThinDevice> => {
    for (;;) {
      const device = devices.add(tree, sectors)
      try {
        await (from === undefined ? pool.message('create_thin', String(device.id)) : pool.message('create_snap', String(device.id), String(from.id)))
        return device
      } catch (error) {
        // Another store's in the same pool, one's that was here before, or of a command that outlived a killed daemon: the next number.
        if (!messageOf(error).includes('File exists')) throw error
      }
    }
  }
  const makeBase = async (): Promise<void> => {
    const mark = markOf(root)
    if (existsSync(mark) && devices.get(base)) return
    await close(base)
    await remove(base)
    await map(base, await make(base, Math.floor(options.baseSize / sectorSize)))
    const quiet = options.filesystem === 'xfs' ? ['-q', '-f'] : ['-q', '-F', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0']
    await runHostTool(kernel, `mkfs.${options.filesystem}`, ...quiet, ...options.mkfsArguments, path(base))
    mount(base)
    mkdirSync(join(mountpoint(base), 'rootfs'), { mode: 0o755 })
    await syncFilesystem(kernel, mountpoint(base))
    await close(base)
    writeDurably(mark, JSON.stringify({ filesystem: options.filesystem, baseSize: options.baseSize }))
  }
  const grow = async (tree: string): Promise<void> => {
    await open(tree)
    if (options.filesystem === 'xfs') await runHostTool(kernel, 'xfs_growfs', mountpoint(tree))
    else await runHostTool(kernel, 'resize2fs', path(tree))
    await close(tree)
  }
  mkdirSync(join(root, 'mnt'), { recursive: true, mode: 0o710 })
  await makeBase()
  const state = await poolStatus(kernel, { pool, options })
  return {
    name: 'devicemapper',
    directory: (tree) => join(mountpoint(tree), 'rootfs'),
    isOpen: isMounted,
    list: async () => devices.trees().filter((tree) => tree !== base),
    async create(tree, origin, { quota }) {
      const from = deviceOf(origin ?? base)
      const sectors = quota === undefined ? from.sectors : Math.floor(quota / sectorSize)
      if (sectors < from.sectors) {
        throw new GantryError('InvalidParameter', `devmapper: Container size cannot be smaller than ${state.size(from.sectors * sectorSize)}`)
      }
      state.requireSpace()
      await make(tree, sectors, from)
      if (sectors > from.sectors) await grow(tree)
      await state.refresh()
    },
    open,
    close,
    seal: async (tree) => syncFilesystem(kernel, mountpoint(tree)),
    async remove(tree) {
      await remove(tree)
      await state.refresh()
    },
    graphData: (tree) => {
      const { id, sectors } = deviceOf(tree)
      return { DeviceId: String(id), DeviceName: name(tree), DeviceSize: String(sectors * sectorSize) }
    },
    status: () => state.rows(),
    end: async () => pool.end(),
  }
}

/** What the base device was made with, which all others are snapshots of. */
function markOf(root: string): string {
  return join(root, 'pool.json')
}

function asMade(root: string, wanted: PoolOptions, log: (line: string) => void): Pick<PoolOptions, 'filesystem' | 'baseSize'> {
  const { filesystem, baseSize } = JSON.parse(readFileSync(markOf(root), 'utf8')) as Pick<PoolOptions, 'filesystem' | 'baseSize'>
  if (filesystem !== wanted.filesystem) log(`devmapper: the base device has ${filesystem} on it: dm.fs=${wanted.filesystem} is for a new store`)
  if (baseSize !== wanted.baseSize) log(`devmapper: the base device has ${baseSize} bytes: dm.basesize=${wanted.baseSize} is for a new store`)
  return { filesystem, baseSize }
}

function writeDurably(path: string, text: string): void {
  const descriptor = openSync(`${path}.new`, 'w', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(`${path}.new`, path)
}
