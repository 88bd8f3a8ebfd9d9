import type { OciResources } from '../../runc/spec.ts'
import type { Variant } from '../dbus/value.ts'
import type { CgroupLayout } from './layout.ts'
import { swapMax, weightOfShares } from './resources-v2.ts'
import type { SystemdUnit } from './systemd-unit.ts'

/** man 5 org.freedesktop.systemd1; names and units are those of the properties on the bus, not of unit files. */
export type UnitProperty = readonly [name: string, value: Variant]

export const unlimited = 0xffff_ffff_ffff_ffffn

/** Versions of systemd that brought a property. */
const since = { CPUQuotaPeriodUSec: 242, AllowedCPUs: 244, idle: 252 } as const
const usualPeriod = 100_000

export interface ScopeWishes {
  /** Of the container. */
  limits: readonly UnitProperty[]
  /** What somebody wants beside them, and in place of what a scope has usually. */
  others?: readonly UnitProperty[]
}

/** What a scope for a container starts with; it is delegated, so that its files may be written by its owner too. */
export function scopeProperties(unit: SystemdUnit, description: string, pids: readonly number[], { limits, others = [] }: ScopeWishes): UnitProperty[] {
  const accounting = ['MemoryAccounting', 'CPUAccounting', 'IOAccounting', 'TasksAccounting'].map((name) => property(name, 'b', true))
  const usual = [
    property('Description', 's', description),
    ...(unit.unit.endsWith('.slice') ? [property('Wants', 'as', [unit.slice])] : [property('Slice', 's', unit.slice), property('Delegate', 'b', true), property('PIDs', 'au', pids)]),
    ...accounting,
    property('DefaultDependencies', 'b', false),
  ]
  const named = new Set(others.map(([name]) => name))
  return [...usual.filter(([name]) => !named.has(name)), ...others, ...limits]
}

/**
 * Limits as properties, so that systemd does not set them back when it reloads. What it has no property for is in the cgroup's files
 * alone. @throws GantryError InvalidParameter
 */
export function limitProperties({ mode }: Pick<CgroupLayout, 'mode'>, { memory, cpu, pids, blockIO, unified = {} }: OciResources, version = Infinity): UnitProperty[] {
  const v2 = mode === 'v2'
  return [
    ...(v2 ? memoryV2(memory ?? {}) : memory?.limit ? [property('MemoryLimit', 't', size(memory.limit))] : []),
    ...cpuLimits(cpu ?? {}, v2, version),
    ...(pids !== undefined && pids.limit !== 0 ? [property('TasksMax', 't', size(pids.limit))] : []),
    ...(blockIO?.weight ? [v2 ? property('IOWeight', 't', BigInt(ioWeight(Number(blockIO.weight)))) : property('BlockIOWeight', 't', BigInt(Number(blockIO.weight)))] : []),
    ...(v2 ? Object.entries(unified).flatMap(([file, value]) => unifiedLimit(file, value.trim(), version)) : []),
  ]
}

export function tasksMax(limit: number): UnitProperty {
  return property('TasksMax', 't', size(limit))
}

function memoryV2(memory: NonNullable<OciResources['memory']>): UnitProperty[] {
  const swap = swapMax(memory)
  return [
    ...(memory.limit ? [property('MemoryMax', 't', size(memory.limit))] : []),
    ...(memory.reservation ? [property('MemoryLow', 't', size(memory.reservation))] : []),
    // Zero too: a property that is not set is "no limit" at the next reload.
    ...(swap === undefined ? [] : [property('MemorySwapMax', 't', swap === 'max' ? unlimited : BigInt(swap))]),
  ]
}

function cpuLimits({ shares, period, quota, idle, cpus, mems }: NonNullable<OciResources['cpu']>, v2: boolean, version: number): UnitProperty[] {
  const weight = v2 ? property('CPUWeight', 't', BigInt(weightOfShares(shares ?? 0))) : property('CPUShares', 't', BigInt(shares ?? 0))
  return [
    ...(shares ? [weight] : []),
    ...(v2 && idle ? idleWeight(version) : []),
    ...(quota || period ? bandwidth(quota ?? -1, period || usualPeriod, version) : []),
    ...(v2 && cpus ? numbersLimit('AllowedCPUs', cpus, version) : []),
    ...(v2 && mems ? numbersLimit('AllowedMemoryNodes', mems, version) : []),
  ]
}

/** systemd keeps whole per cents of a CPU, 10 ms of a second: what is finer is in the file alone, and rounded up at a reload. */
function bandwidth(quota: number, period: number, version: number): UnitProperty[] {
  const perSecond = quota <= 0 ? unlimited : BigInt(Math.ceil((quota * 1_000_000) / period / 10_000) * 10_000)
  return [...(version >= since.CPUQuotaPeriodUSec ? [property('CPUQuotaPeriodUSec', 't', BigInt(period))] : []), property('CPUQuotaPerSecUSec', 't', perSecond)]
}

/** CGROUP_WEIGHT_IDLE of systemd. */
function idleWeight(version: number): UnitProperty[] {
  return version >= since.idle ? [property('CPUWeight', 't', 0n)] : []
}

function numbersLimit(name: string, list: string, version: number): UnitProperty[] {
  return version >= since.AllowedCPUs ? [property(name, 'ay', maskOf(list))] : []
}

/** "0-2,8" as bits, the lowest in the first byte. What is no such list is refused by the kernel, with its words. */
function maskOf(list: string): number[] {
  const bytes: number[] = []
  for (const part of list.split(',')) {
    const [, first, last = first] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? []
    for (let number = Number(first ?? 1); number <= Number(last ?? 0); number++) {
      while (bytes.length <= number >> 3) bytes.push(0)
      bytes[number >> 3]! |= 1 << (number & 7)
    }
  }
  return bytes
}

const plainFiles: Readonly<Record<string, string>> = {
  'cpu.weight': 'CPUWeight', 'memory.min': 'MemoryMin', 'memory.low': 'MemoryLow', 'memory.high': 'MemoryHigh', 'memory.max': 'MemoryMax', 'memory.swap.max': 'MemorySwapMax', 'pids.max': 'TasksMax',
}

/** A file of `linux.resources.unified`, for which systemd has a property. */
function unifiedLimit(file: string, value: string, version: number): UnitProperty[] {
  const plain = plainFiles[file]
  if (plain !== undefined && /^(max|\d+)$/.test(value)) return [property(plain, 't', value === 'max' ? unlimited : BigInt(value))]
  if (file === 'cpuset.cpus') return numbersLimit('AllowedCPUs', value, version)
  if (file === 'cpuset.mems') return numbersLimit('AllowedMemoryNodes', value, version)
  if (file === 'cpu.idle' && value === '1') return idleWeight(version)
  const [, weight] = file === 'io.weight' ? (/^(?:default +)?(\d+)$/.exec(value) ?? []) : []
  if (weight !== undefined) return [property('IOWeight', 't', BigInt(weight))]
  const [, quota, period] = file === 'cpu.max' ? (/^(max|\d+)(?: +(\d+))?$/.exec(value) ?? []) : []
  return quota === undefined ? [] : bandwidth(quota === 'max' ? -1 : Number(quota), Number(period ?? usualPeriod), version)
}

/** The weight that systemd turns into this one of BFQ's (1 to 100 as they are, to 1000 for 10000). */
function ioWeight(bfq: number): number {
  return bfq <= 100 ? bfq : 100 + (bfq - 100) * 11
}

function size(value: number | bigint): bigint {
  return value < 0 ? unlimited : BigInt(value)
}

function property(name: string, signature: string, value: Variant['value']): UnitProperty {
  return [name, { signature, value }]
}
