import type { HostConfig } from '../types/host-config.ts'
import type { OciDevice, OciResources } from '../../runc/spec.ts'
import { blockIoOf } from './block-io.ts'

/** µs; the period that --cpus is a share of. */
const nanoCpusPeriod = 100_000

/** cgroup limits without the list of allowed devices. A field that is not set is left out, so that the kernel's default holds. `devices`: the host's. */
export function resourcesOf(hostConfig: HostConfig, devices: readonly OciDevice[]): OciResources {
  return {
    ...section('memory', memory(hostConfig)),
    ...section('cpu', cpu(hostConfig)),
    ...(hostConfig.PidsLimit ? { pids: { limit: Math.max(hostConfig.PidsLimit, -1) } } : {}),
    ...section('blockIO', blockIoOf(hostConfig, devices)),
  }
}

/**
 * Memory plus swap in bytes as Docker means it: unset with a memory limit gives twice that limit, -1 no limit.
 * 0 means that nothing is limited.
 */
export function memorySwapOf(hostConfig: HostConfig): number {
  const { Memory = 0, MemorySwap = 0 } = hostConfig
  return Memory > 0 && MemorySwap === 0 ? Memory * 2 : MemorySwap
}

function memory(hostConfig: HostConfig): NonNullable<OciResources['memory']> {
  const { Memory, MemoryReservation, MemorySwappiness, OomKillDisable } = hostConfig
  const swap = memorySwapOf(hostConfig)
  return {
    ...(Memory ? { limit: Memory } : {}),
    ...(MemoryReservation ? { reservation: MemoryReservation } : {}),
    ...(swap === 0 ? {} : { swap }),
    ...(MemorySwappiness === undefined || MemorySwappiness === null || MemorySwappiness === -1 ? {} : { swappiness: MemorySwappiness }),
    ...(OomKillDisable ? { disableOOMKiller: true } : {}),
  }
}

function cpu(hostConfig: HostConfig): NonNullable<OciResources['cpu']> {
  const { CpuShares, CpuPeriod, CpuQuota, CpuRealtimePeriod, CpuRealtimeRuntime, CpusetCpus, CpusetMems, NanoCpus } = hostConfig
  return {
    ...(CpuShares ? { shares: CpuShares } : {}),
    ...(NanoCpus ? { period: nanoCpusPeriod, quota: Math.trunc((NanoCpus * nanoCpusPeriod) / 1e9) } : {}),
    ...(CpuPeriod ? { period: CpuPeriod } : {}),
    ...(CpuQuota ? { quota: CpuQuota } : {}),
    ...(CpuRealtimePeriod ? { realtimePeriod: CpuRealtimePeriod } : {}),
    ...(CpuRealtimeRuntime ? { realtimeRuntime: CpuRealtimeRuntime } : {}),
    ...(CpusetCpus ? { cpus: CpusetCpus } : {}),
    ...(CpusetMems ? { mems: CpusetMems } : {}),
  }
}

function section<K extends string, V extends object>(key: K, value: V): Partial<Record<K, V>> {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as Record<K, V>)
}
