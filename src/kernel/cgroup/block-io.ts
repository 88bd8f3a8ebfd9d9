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

/** `linux.resources.blockIO` on v2. */
export function blockIoV2(list: WriteList, blockIo: Record<string, unknown> = {}): void {
  const weight = weightOf(blockIo)
  if (weight !== undefined) list.add('io', 'io.bfq.weight', weight)
  for (const row of rows(blockIo, 'weightDevice')) list.add('io', 'io.bfq.weight', `${row.major}:${row.minor} ${row.weight}`)
  for (const [field, , key] of throttles) {
    for (const row of rows(blockIo, field)) list.add('io', 'io.max', `${row.major}:${row.minor} ${key}=${row.rate}`)
  }
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
