import { GantryError } from '../../lib/errors.ts'
import type { WriteList } from './writes.ts'

interface DeviceRate {
  major: number
  minor: number
  rate?: number
  weight?: number
}

const throttles: [field: string, v1File: string, v2Key: string][] = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'],
]

/** `linux.resources.blockIO` on v1. The weight's file has two names, by I/O scheduler; BFQ's is the living one. */
export function blockIoV1(list: WriteList, blockIo: Record<string, unknown> = {}): void {
  const weight = weightOf(blockIo)
  if (weight !== undefined) list.add('blkio', 'blkio.bfq.weight', weight)
  for (const row of rows(blockIo, 'weightDevice')) list.add('blkio', 'blkio.bfq.weight_device', `${row.major}:${row.minor} ${row.weight}`)
  for (const [field, file] of throttles) {
    for (const row of rows(blockIo, field)) list.add('blkio', file, `${row.major}:${row.minor} ${row.rate}`)
  }
}

/** `linux.resources.blockIO` on v2. Without the BFQ scheduler the controller has a weight of its own. */
export function blockIoV2(list: WriteList, blockIo: Record<string, unknown> = {}): void {
  const weight = weightOf(blockIo)
  if (weight !== undefined) list.add('io', 'io.bfq.weight', weight, { otherwise: { file: 'io.weight', value: `default ${ioWeight(weight)}` } })
  for (const { major, minor, weight: own = 0 } of rows(blockIo, 'weightDevice')) {
    list.add('io', 'io.bfq.weight', `${major}:${minor} ${own}`, { otherwise: { file: 'io.weight', value: `${major}:${minor} ${ioWeight(own)}` } })
  }
  for (const [field, , key] of throttles) {
    for (const row of rows(blockIo, field)) list.add('io', 'io.max', `${row.major}:${row.minor} ${key}=${row.rate}`)
  }
}

/** BFQ's weights (10 to 1000) as those of the io controller (1 to 10000), linearly as runc does. */
function ioWeight(weight: number): number {
  return Math.floor(1 + ((weight - 10) * 9999) / 990)
}

function weightOf(blockIo: Record<string, unknown>): number | undefined {
  const { weight } = blockIo
  if (weight === undefined || weight === 0) return undefined
  if (typeof weight === 'number' && weight >= 10 && weight <= 1000) return weight
  throw new GantryError('InvalidParameter', 'cannot set linux.resources.blockIO.weight: it must be between 10 and 1000')
}

function rows(blockIo: Record<string, unknown>, field: string): DeviceRate[] {
  const value = blockIo[field]
  return Array.isArray(value) ? (value as DeviceRate[]) : []
}
