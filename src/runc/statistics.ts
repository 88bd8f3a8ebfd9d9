import type { BlockIoCount, CgroupUsage } from '../kernel/cgroup/usage.ts'

/** What v1 shows for "no limit" (LONG_MAX in pages of 4 KiB). */
const noLimit = 0x7fff_ffff_ffff_f000n
/** ... and v2. */
const noLimitV2 = 0xffff_ffff_ffff_ffffn

/** The `data` of runc's `events --stats`, as cAdvisor and kubelet read it. */
export function statistics(usage: CgroupUsage): Record<string, unknown> {
  const { cpu, memory, pids, blockIo, version } = usage
  const stat = memory.stat
  const unlimited = version === 1 ? noLimit : noLimitV2
  const entry = (current: number | bigint, limit: number | undefined): Record<string, unknown> => ({ limit: limit ?? unlimited, usage: current, max: memory.highest ?? 0, failcnt: memory.failures })
  return {
    cpu: {
      usage: { total: cpu.total, ...(cpu.perProcessor.length === 0 ? {} : { percpu: cpu.perProcessor }), kernel: cpu.kernel, user: cpu.user },
      throttling: { periods: cpu.periods, throttledPeriods: cpu.throttledPeriods, throttledTime: cpu.throttled },
    },
    cpuset: {},
    memory: { cache: stat['cache'] ?? stat['file'] ?? 0, usage: entry(memory.current, memory.limit), swap: { limit: 0, failcnt: 0 }, kernel: { limit: 0, failcnt: 0 }, kernelTCP: { limit: 0, failcnt: 0 }, raw: stat },
    pids: { current: pids.current, ...(pids.limit === undefined ? {} : { limit: pids.limit }) },
    blkio: { ioServiceBytesRecursive: rows(blockIo.bytes), ioServicedRecursive: rows(blockIo.operations) },
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  }
}

function rows(counts: readonly BlockIoCount[]): Record<string, unknown>[] {
  return counts.map(({ major, minor, operation, value }) => ({ major, minor, op: operation.charAt(0).toUpperCase() + operation.slice(1), value }))
}
