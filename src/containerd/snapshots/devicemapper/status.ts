import { existsSync } from 'node:fs'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { PoolOptions } from './options.ts'
import type { Pool } from './pool.ts'

export interface PoolStatus {
  /** Asks the kernel again. */
  refresh(): Promise<void>
  /** @throws Unavailable when less is free than `dm.min_free_space` asks for, with Docker's text */
  requireSpace(): void
  /** Rows of `docker info`, as of the last refresh. */
  rows(): [string, string][]
  /** Bytes as people read them: "10.74GB". */
  size(bytes: number): string
}

interface Space {
  used: number
  total: number
}

const metadataBlock = 4096

export async function poolStatus(kernel: Kernel, { pool, options }: { pool: Pool; options: PoolOptions }): Promise<PoolStatus> {
  let data: Space = { used: 0, total: 0 }
  let metadata: Space = { used: 0, total: 0 }
  // "0 S thin-pool <meta> <data> <block sectors> …"; it stays what the pool was made with.
  const table = await kernel.tool(['dmsetup', 'table', pool.name])
  const blockSize = Number(table.stdout.split(' ')[5] ?? 128) * 512
  const refresh = async (): Promise<void> => {
    // "0 S thin-pool <transaction> <used>/<total metadata blocks> <used>/<total data blocks> …"
    const words = (await kernel.tool(['dmsetup', 'status', pool.name])).stdout.split(' ')
    metadata = space(words[4], metadataBlock)
    data = space(words[5], blockSize)
  }
  const { stdout } = await kernel.tool(['dmsetup', 'version'])
  const library = /Library version:\s*(.*)/.exec(stdout)?.[1] ?? ''
  await refresh()
  const spaceRows = (name: string, { used, total }: Space): [string, string][] => [
    [`${name} Space Used`, size(used)],
    [`${name} Space Total`, size(total)],
    [`${name} Space Available`, size(total - used)],
  ]
  return {
    refresh,
    size,
    requireSpace() {
      for (const [kind, { used, total }, unit] of [['data', data, blockSize], ['metadata', metadata, metadataBlock]] as const) {
        const [free, least] = [(total - used) / unit, Math.floor((total * options.leastFree) / 100 / unit)]
        if (free < least) {
          throw new GantryError('Unavailable', `devmapper: Thin Pool has ${free} free ${kind} blocks which is less than minimum required ${least} free ${kind} blocks. Create more free space in thin pool or use dm.min_free_space option to change behavior`)
        }
      }
    },
    rows: () => [
      ['Pool Name', pool.name],
      ['Pool Blocksize', size(blockSize)],
      ['Base Device Size', size(options.baseSize)],
      ['Backing Filesystem', options.filesystem],
      ['Udev Sync Supported', String(hasUdev())],
      ...(pool.loop ? ([['Data file', pool.loop.data], ['Metadata file', pool.loop.metadata], ['Data loop file', pool.loop.dataFile], ['Metadata loop file', pool.loop.metadataFile]] as [string, string][]) : []),
      ...spaceRows('Data', data),
      ...spaceRows('Metadata', metadata),
      ['Thin Pool Minimum Free Space', size((data.total * options.leastFree) / 100)],
      ['Deferred Removal Enabled', 'false'],
      ['Deferred Deletion Enabled', 'false'],
      ['Deferred Deleted Device Count', '0'],
      ['Library Version', library],
    ],
  }
}

function space(text: string | undefined, unit: number): Space {
  const [used = 0, total = 0] = (text ?? '').split('/').map(Number)
  return { used: used * unit, total: total * unit }
}

/** go-units HumanSize: four digits, powers of 1000. */
function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let at = 0
  for (; value >= 1000 && at < units.length - 1; at++) value /= 1000
  return `${Number(value.toPrecision(4))}${units[at]}`
}

function hasUdev(): boolean {
  return existsSync('/run/udev/control')
}
