import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'
import type { Variant } from '../dbus/value.ts'
import type { CgroupLayout } from './layout.ts'
import { weightOfShares } from './resources-v2.ts'

/** Where systemd keeps the cgroup of a container (man 5 systemd.scope, systemd.slice). */
export interface SystemdUnit {
  slice: string
  /** "docker-<id>.scope" */
  unit: string
  /** Of the cgroup: "/system.slice/docker-<id>.scope". */
  path: string
}

/** Reads `linux.cgroupsPath` in the form "slice:prefix:name"; without one it is "system.slice:<prefix>:<id>". */
export function systemdUnitOf(cgroupsPath: string | undefined, id: string, prefix = 'gantry-runc'): SystemdUnit {
  const parts = cgroupsPath ? cgroupsPath.split(':') : ['', prefix, id]
  if (parts.length !== 3) throw invalid(`expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`)
  const [givenSlice = '', scope = '', name = ''] = parts
  const slice = givenSlice || 'system.slice'
  if (name === '' || [scope, name].some((part) => part.includes('/') || part.includes('\0'))) throw invalid(`cannot use linux.cgroupsPath ${JSON.stringify(cgroupsPath)}: a unit has no such name`)
  const unit = name.endsWith('.slice') ? name : `${scope === '' ? '' : `${scope}-`}${name}.scope`
  return { slice, unit, path: `${pathOfSlice(slice)}/${unit}` }
}

/** "a-b.slice" lies in "a.slice"; "-.slice" is the top. */
export function pathOfSlice(slice: string): string {
  const stem = slice.endsWith('.slice') ? slice.slice(0, -'.slice'.length) : ''
  if (stem === '-') return ''
  const names = stem.split('-')
  if (stem === '' || stem.includes('/') || names.includes('')) throw invalid(`cannot use slice ${JSON.stringify(slice)} of linux.cgroupsPath: it is not a name of a slice`)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('-')}.slice`).join('')
}

export type UnitProperty = readonly [name: string, value: Variant]

const unlimited = 0xffff_ffff_ffff_ffffn
const property = (name: string, signature: string, value: Variant['value']): UnitProperty => [name, { signature, value }]

/** What a scope for a container starts with; it is delegated, so that its files may be written by its owner too. */
export function scopeProperties(unit: SystemdUnit, description: string, pids: readonly number[], limits: readonly UnitProperty[]): UnitProperty[] {
  const accounting = ['MemoryAccounting', 'CPUAccounting', 'IOAccounting', 'TasksAccounting'].map((name) => property(name, 'b', true))
  return [
    property('Description', 's', description),
    ...(unit.unit.endsWith('.slice') ? [property('Wants', 'as', [unit.slice])] : [property('Slice', 's', unit.slice), property('Delegate', 'b', true), property('PIDs', 'au', pids)]),
    ...accounting,
    property('DefaultDependencies', 'b', false),
    ...limits,
  ]
}

/**
 * Limits as properties, so that systemd does not set them back when it reloads. What it has no property for is in the cgroup's files
 * alone. @throws GantryError InvalidParameter
 */
export function limitProperties({ mode }: Pick<CgroupLayout, 'mode'>, { memory = {}, cpu = {}, pids }: OciResources): UnitProperty[] {
  const list: UnitProperty[] = []
  const size = (value: number): bigint => (value < 0 ? unlimited : BigInt(value))
  const v2 = mode === 'v2'
  if (memory.limit) list.push(property(v2 ? 'MemoryMax' : 'MemoryLimit', 't', size(memory.limit)))
  if (v2 && memory.reservation) list.push(property('MemoryLow', 't', size(memory.reservation)))
  if (v2 && memory.swap) list.push(property('MemorySwapMax', 't', memory.swap < 0 ? unlimited : BigInt(memory.swap - (memory.limit ?? 0))))
  if (cpu.shares) list.push(v2 ? property('CPUWeight', 't', BigInt(weightOfShares(cpu.shares))) : property('CPUShares', 't', BigInt(cpu.shares)))
  const period = cpu.period || 100_000
  if (cpu.period) list.push(property('CPUQuotaPeriodUSec', 't', BigInt(period)))
  // systemd keeps whole per cents of a CPU: 10 ms of a second.
  if (cpu.quota) list.push(property('CPUQuotaPerSecUSec', 't', cpu.quota < 0 ? unlimited : BigInt(Math.ceil((cpu.quota * 1_000_000) / period / 10_000) * 10_000)))
  if (pids !== undefined && pids.limit !== 0) list.push(property('TasksMax', 't', size(pids.limit)))
  return list
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
