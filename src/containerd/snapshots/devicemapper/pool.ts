import { existsSync, mkdirSync, openSync, closeSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { runHostTool } from '../host-tool.ts'
import type { PoolOptions } from './options.ts'

/** A thin pool: Documentation/admin-guide/device-mapper/thin-provisioning.rst. */
export interface Pool {
  /** Its name in /dev/mapper. */
  readonly name: string
  /** Files behind it, of a pool on loop devices. */
  readonly loop?: { data: string; metadata: string; dataFile: string; metadataFile: string }
  message(...words: string[]): Promise<void>
  /** Takes down what was set up for it, unless it is somebody else's or in use. */
  end(): Promise<void>
}

const sectorSize = 512
/** Blocks left when the kernel is to warn. */
const lowWater = 32_768

export async function openPool(kernel: Kernel, root: string, options: PoolOptions): Promise<Pool> {
  if (options.thinPool !== undefined) {
    const { code, stdout } = await kernel.tool(['dmsetup', 'table', options.thinPool])
    if (code !== 0 || stdout.split(' ')[2] !== 'thin-pool') throw new GantryError('InvalidParameter', `devmapper: ${options.thinPool} is no thin pool`)
    return existingPool(kernel, options.thinPool)
  }
  return await loopPool(kernel, root, options)
}

function existingPool(kernel: Kernel, name: string): Pool {
  return { name, message: async (...words) => message(kernel, name, words), end: async () => {} }
}

async function loopPool(kernel: Kernel, root: string, options: PoolOptions): Promise<Pool> {
  const directory = join(root, 'devicemapper')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const dataFile = join(directory, 'data')
  const metadataFile = join(directory, 'metadata')
  sparseFile(dataFile, options.loopDataSize)
  sparseFile(metadataFile, options.loopMetadataSize)
  const name = `${options.prefix}-pool`
  const data = await loopDevice(kernel, dataFile)
  const metadata = await loopDevice(kernel, metadataFile)
  if ((await kernel.tool(['dmsetup', 'info', name])).code !== 0) {
    const sectors = Number(await runHostTool(kernel, 'blockdev', '--getsz', data))
    await runHostTool(kernel, 'dmsetup', 'create', name, '--table', `0 ${sectors} thin-pool ${metadata} ${data} ${options.blockSize / sectorSize} ${lowWater} 1 skip_block_zeroing`)
  }
  return {
    name,
    loop: { data, metadata, dataFile, metadataFile },
    message: async (...words) => message(kernel, name, words),
    async end() {
      const { stdout } = await kernel.tool(['dmsetup', 'ls'])
      if (!stdout.includes(`${name}\t`)) return
      if (stdout.split('\n').some((line) => line.startsWith(`${options.prefix}-`) && !line.startsWith(`${name}\t`))) return
      await runHostTool(kernel, 'dmsetup', 'remove', '--retry', name)
      await runHostTool(kernel, 'losetup', '-d', data, metadata)
    },
  }
}

async function message(kernel: Kernel, pool: string, words: string[]): Promise<void> {
  await runHostTool(kernel, 'dmsetup', 'message', pool, '0', words.join(' '))
}

async function loopDevice(kernel: Kernel, file: string): Promise<string> {
  const attached = await runHostTool(kernel, 'losetup', '-j', file, '-O', 'NAME', '-n')
  return attached !== '' ? attached.split('\n')[0]!.trim() : await runHostTool(kernel, 'losetup', '--find', '--show', file)
}

function sparseFile(path: string, bytes: number): void {
  if (existsSync(path)) return
  closeSync(openSync(path, 'w', 0o600))
  truncateSync(path, Math.ceil(bytes / sectorSize) * sectorSize)
}
