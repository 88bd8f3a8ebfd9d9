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
}

const known = [
  'thinpooldev', 'basesize', 'fs', 'mkfsarg', 'mountopt', 'loopdatasize', 'loopmetadatasize', 'blocksize', 'override_udev_sync_check',
  'use_deferred_removal', 'use_deferred_deletion', 'min_free_space', 'libdm_log_level',
]

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
  }
}
