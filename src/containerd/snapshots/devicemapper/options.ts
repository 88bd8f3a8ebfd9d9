import { createHash } from 'node:crypto'
import { GantryError } from '../../../lib/errors.ts'
import { driverOptions, parseBytes } from '../storage-options.ts'

export interface PoolOptions {
  /** Begins the names of our devices in /dev/mapper. */
  prefix: string
  /** dm.thinpooldev, without /dev/mapper/. */
  thinPool: string | undefined
  loopDataSize: number
  loopMetadataSize: number
  /** Bytes of the first device, which all others are snapshots of. */
  baseSize: number
  filesystem: 'xfs' | 'ext4'
  mkfsArguments: string[]
  mountOptions: string
  /** Bytes that a pool of our own hands out at a time. */
  blockSize: number
  /** Percent of the pool's data and metadata that have to be free for a new device. */
  leastFree: number
  /** Options that were given and have no meaning here. */
  ignored: string[]
}

/** dmsetup waits for udev and removes at once what nobody uses, and it has no log. */
const meaningless = ['override_udev_sync_check', 'use_deferred_removal', 'use_deferred_deletion', 'libdm_log_level']
const known = ['thinpooldev', 'basesize', 'fs', 'mkfsarg', 'mountopt', 'loopdatasize', 'loopmetadatasize', 'blocksize', 'min_free_space', ...meaningless]

/** `--storage-opt dm.…`, by Docker's names and defaults. `root` tells one engine's devices from another's. */
export function poolOptions(root: string, given: readonly string[]): PoolOptions {
  const options = driverOptions('devicemapper', 'dm', given, known)
  const bytes = (name: string, absent: number): number => {
    const text = options.get(name)
    const value = text === undefined ? absent : parseBytes(text)
    if (value === undefined) throw new GantryError('InvalidParameter', `invalid size: '${text}'`)
    return value
  }
  const filesystem = options.get('fs') ?? 'ext4'
  const blockSize = bytes('blocksize', 2 ** 16)
  // Documentation/admin-guide/device-mapper/thin-provisioning.rst
  if (blockSize < 2 ** 16 || blockSize > 2 ** 30 || blockSize % 2 ** 16 !== 0) {
    throw new GantryError('InvalidParameter', `devmapper: cannot use a block size of ${options.get('blocksize')}: it has to be a multiple of 64K, up to 1G`)
  }
  const leastFree = percent(options.get('min_free_space') ?? '10%')
  if (filesystem !== 'ext4' && filesystem !== 'xfs') throw new GantryError('InvalidParameter', `devmapper: Unsupported filesystem ${filesystem}`)
  return {
    prefix: `gantry-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`,
    thinPool: options.get('thinpooldev')?.replace(/^\/dev\/mapper\//, ''),
    loopDataSize: bytes('loopdatasize', 100 * 2 ** 30),
    loopMetadataSize: bytes('loopmetadatasize', 2 * 2 ** 30),
    baseSize: bytes('basesize', 10 * 2 ** 30),
    filesystem,
    mkfsArguments: options.get('mkfsarg')?.split(' ') ?? [],
    mountOptions: options.get('mountopt') ?? '',
    blockSize,
    leastFree,
    ignored: meaningless.filter((name) => options.has(name)).map((name) => `dm.${name}`),
  }
}

function percent(text: string): number {
  const [, digits] = /^(\d+)%$/.exec(text) ?? []
  if (digits === undefined || Number(digits) >= 100) throw new GantryError('InvalidParameter', `devmapper: invalid dm.min_free_space: '${text}'`)
  return Number(digits)
}
