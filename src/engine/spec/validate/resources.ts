import { GantryError } from '../../../lib/errors.ts'
import type { HostConfig } from '../../types/host-config.ts'
import type { HostFacts } from '../input.ts'

const minimumMemory = 6 * 1024 * 1024

/**
 * Limits as Docker checks them. An update may name the swap alone: the memory limit may be there already.
 * @returns warnings
 * @throws InvalidParameter with Docker's text
 */
export function checkResources(hostConfig: HostConfig, host: Pick<HostFacts, 'cpus' | 'memoryNodes' | 'swapLimit' | 'cgroupVersion'>, purpose: 'create' | 'update' = 'create'): string[] {
  const { Memory = 0, MemorySwap = 0 } = hostConfig
  if (Memory === 0 && MemorySwap > 0 && purpose === 'create') {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage')
  }
  checkCpu(hostConfig, host)
  checkRealtime(hostConfig, host.cgroupVersion)
  checkWeight(hostConfig)
  const { OomScoreAdj = 0, ShmSize = 0 } = hostConfig
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalid(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`)
  }
  if (ShmSize < 0) throw invalid('SHM size can not be less than 0')
  return checkMemory(hostConfig, host)
}

function checkMemory(hostConfig: HostConfig, host: Pick<HostFacts, 'swapLimit' | 'cgroupVersion'>): string[] {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness, OomKillDisable } = hostConfig
  const warnings: string[] = []
  if (Memory !== 0 && Memory < minimumMemory) throw invalid('Minimum memory limit allowed is 6MB')
  if (Memory > 0 && MemorySwap !== -1 && !host.swapLimit) {
    warnings.push('Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.')
  }
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage')
  }
  if (MemorySwap < -1) throw invalid(`Invalid value: ${MemorySwap}, valid memory swap limit is -1 or more`)
  if (MemoryReservation !== 0 && MemoryReservation < minimumMemory) throw invalid('Minimum memory reservation allowed is 6MB')
  if (Memory > 0 && MemoryReservation > Memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage')
  }
  if (typeof MemorySwappiness === 'number' && MemorySwappiness !== -1) {
    if (MemorySwappiness < 0 || MemorySwappiness > 100) {
      throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`)
    }
    if (host.cgroupVersion === 2) {
      warnings.push('Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.')
    }
  }
  if (OomKillDisable && host.cgroupVersion === 2) {
    warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.')
  } else if (OomKillDisable && Memory === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    )
  }
  return warnings
}

function checkCpu(hostConfig: HostConfig, { cpus, memoryNodes }: Pick<HostFacts, 'cpus' | 'memoryNodes'>): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, CpusetCpus = '', CpusetMems = '' } = hostConfig
  if (NanoCpus > 0 && CpuPeriod > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set')
  if (NanoCpus > 0 && CpuQuota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set')
  if (NanoCpus < 0 || NanoCpus > cpus * 1e9) {
    throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`)
  }
  // Below 1000 µs the kernel refuses cpu.cfs_quota_us.
  if (NanoCpus > 0 && NanoCpus < 1e7) {
    throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`)
  }
  if (CpuShares < 0) throw invalid(`invalid CPU shares (${CpuShares}): value must be a positive integer`)
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  }
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)')
  checkCpuset(CpusetCpus, { what: 'cpus', called: 'CPUs', available: cpus > 1 ? `0-${cpus - 1}` : '0' })
  checkCpuset(CpusetMems, { what: 'mems', called: 'memory nodes', available: memoryNodes })
}

/** v2 has no groups of real-time processes. */
function checkRealtime({ CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 }: HostConfig, cgroupVersion: 1 | 2): void {
  if (CpuRealtimePeriod === 0 && CpuRealtimeRuntime === 0) return
  if (cgroupVersion === 2) throw invalid('kernel does not support CPU real-time scheduler')
  if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod) throw invalid('cpu real-time runtime cannot be higher than cpu real-time period')
}

function checkWeight({ BlkioWeight = 0 }: HostConfig): void {
  if (BlkioWeight !== 0 && (BlkioWeight < 10 || BlkioWeight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000')
}

/** Lists such as "0-2,7". Processors are counted from 0 without holes, memory nodes as the kernel has them. */
function checkCpuset(list: string, { what, called, available }: { what: 'cpus' | 'mems'; called: string; available: string }): void {
  if (list === '') return
  const ranges = rangesOf(list)
  if (ranges === undefined) throw invalid(`Invalid value ${list} for cpuset ${what}: invalid format: ${list}`)
  const there = rangesOf(available) ?? []
  if (ranges.every(([first, last]) => there.some(([lowest, highest]) => first >= lowest && last <= highest))) return
  throw invalid(`Requested ${called} are not available - requested ${list}, available: ${available}`)
}

/** The kernel writes neighbours as one range, so that a range that is there lies in one of its. */
function rangesOf(list: string): [number, number][] | undefined {
  const ranges = list.split(',').map((part): [number, number] | undefined => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []
    return first === undefined || Number(last) < Number(first) ? undefined : [Number(first), Number(last)]
  })
  return ranges.every((range) => range !== undefined) ? ranges : undefined
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
