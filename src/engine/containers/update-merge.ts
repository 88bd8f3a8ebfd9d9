import { GantryError } from '../../lib/errors.ts'
import type { HostConfig } from '../types/host-config.ts'

const resourceFields = [
  'BlkioWeight', 'CpuShares', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'CpusetCpus', 'CpusetMems', 'Memory', 'MemorySwap', 'MemoryReservation',
] as const

/**
 * A container's configuration with an update put in: zero and empty leave a field as it is; PidsLimit has null for that.
 * @throws Conflict with Docker's text when the two do not go together
 */
export function mergeUpdate(current: HostConfig, change: HostConfig): HostConfig {
  checkProcessorLimits(current, change)
  checkMemoryLimits(current, change)
  const merged: HostConfig = { ...current }
  for (const field of resourceFields) if (change[field]) Object.assign(merged, { [field]: change[field] })
  if (typeof change.PidsLimit === 'number') merged.PidsLimit = change.PidsLimit
  const policy = change.RestartPolicy
  if (policy !== undefined && policy.Name !== '') {
    if (current.AutoRemove && policy.Name !== 'no') throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container')
    merged.RestartPolicy = policy
  }
  return merged
}

/** --cpus is a period and a quota by another name. */
function checkProcessorLimits(current: HostConfig, change: HostConfig): void {
  if (sets(change, 'NanoCpus') && sets(current, 'CpuPeriod')) throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set')
  if (sets(change, 'NanoCpus') && sets(current, 'CpuQuota')) throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set')
  if (sets(change, 'CpuPeriod') && sets(current, 'NanoCpus')) throw conflict('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set')
  if (sets(change, 'CpuQuota') && sets(current, 'NanoCpus')) throw conflict('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set')
}

function sets(config: HostConfig, field: 'NanoCpus' | 'CpuPeriod' | 'CpuQuota'): boolean {
  return (config[field] ?? 0) > 0
}

function checkMemoryLimits(current: HostConfig, change: HostConfig): void {
  const { Memory = 0, MemorySwap = 0 } = change
  const swap = current.MemorySwap ?? 0
  // -1 is no limit, so nothing is above it; 0 counts as a limit, as with Docker.
  if (Memory > swap && MemorySwap === 0 && swap !== -1) {
    throw conflict('Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time')
  }
  if (Memory === 0 && MemorySwap > 0 && MemorySwap < (current.Memory ?? 0)) {
    throw new GantryError('InvalidParameter', 'Minimum memoryswap limit should be larger than memory limit, see usage')
  }
}

function conflict(message: string): GantryError {
  return new GantryError('Conflict', message)
}
