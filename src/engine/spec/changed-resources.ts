import type { OciResources } from '../../runc/spec.ts'
import type { HostConfig } from '../types/host-config.ts'
import { resourcesOf } from './resources.ts'

const memoryFields = ['Memory', 'MemorySwap', 'MemoryReservation'] as const
const bandwidthFields = ['NanoCpus', 'CpuPeriod', 'CpuQuota'] as const

/**
 * The limits that an update touches, as they shall hold. Limits of which the kernel keeps several in one file, or bounds
 * one by the other, come together: memory with swap, the CPU's period with its quota. All others are left out, so that
 * what was written by hand stays.
 * @param merged what holds after the update
 */
export function changedResources(change: HostConfig, merged: HostConfig): OciResources {
  const { BlkioWeightDevice: _w, BlkioDeviceReadBps: _r, BlkioDeviceWriteBps: _s, BlkioDeviceReadIOps: _q, BlkioDeviceWriteIOps: _t, ...updatable } = merged
  const all = resourcesOf(updatable, [])
  const limits = pick(all.memory, memoryFields.some((field) => change[field]) ? ['limit', 'swap'] : [])
  const reservation = pick(all.memory, change.MemoryReservation ? ['reservation'] : [])
  const cpu = pick(all.cpu, [
    ...(bandwidthFields.some((field) => change[field]) ? (['period', 'quota'] as const) : []),
    ...(change.CpuShares ? (['shares'] as const) : []),
    ...(change.CpuRealtimePeriod || change.CpuRealtimeRuntime ? (['realtimePeriod', 'realtimeRuntime'] as const) : []),
    ...(change.CpusetCpus ? (['cpus'] as const) : []),
    ...(change.CpusetMems ? (['mems'] as const) : []),
  ])
  const memory = { ...limits, ...reservation }
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    // 0 is Docker's word for unlimited here, and the specification's for "leave alone".
    ...(typeof change.PidsLimit === 'number' && { pids: { limit: change.PidsLimit > 0 ? change.PidsLimit : -1 } }),
    ...(change.BlkioWeight && { blockIO: { weight: change.BlkioWeight } }),
  }
}

function pick<T extends object, K extends keyof T>(values: T | undefined, keys: readonly K[]): Partial<Pick<T, K>> {
  const entries = keys.flatMap((key) => (values?.[key] === undefined ? [] : [[key, values[key]]]))
  return Object.fromEntries(entries) as Partial<Pick<T, K>>
}
