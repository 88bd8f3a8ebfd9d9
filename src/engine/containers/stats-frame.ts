import type { CgroupUsage, BlockIoCount } from '../../kernel/cgroup/usage.ts'
import type { BlockIoEntry, BlockIoStats, ContainerStats, CpuStats, MemoryStats, NetworkStats } from '../types/container-stats.ts'
import type { HostUsage } from './stats-host.ts'
import { never } from './timestamp.ts'

/** One reading of a container. */
export interface Sample {
  /** RFC 3339. */
  read: string
  usage: CgroupUsage
  host: HostUsage
  networks: Record<string, NetworkStats>
}

/** v2's word for no limit of processes, in Docker's JSON. */
const noPidsLimit = 0xffff_ffff_ffff_ffffn

/** Docker's document for a reading, with the one before it. `current` undefined: the container does not run. */
export function statsFrame(container: { id: string; name: string }, current: Sample | undefined, previous: Sample | undefined): ContainerStats {
  return {
    name: `/${container.name}`,
    id: container.id,
    read: current?.read ?? never,
    preread: previous?.read ?? never,
    pids_stats: current === undefined ? {} : pidsStats(current.usage),
    blkio_stats: blockIoStats(current?.usage),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(current),
    precpu_stats: cpuStats(previous),
    memory_stats: current === undefined ? {} : memoryStats(current),
    ...(current !== undefined && Object.keys(current.networks).length > 0 && { networks: current.networks }),
  }
}

function pidsStats({ version, pids }: CgroupUsage): ContainerStats['pids_stats'] {
  const limit = pids.limit ?? (version === 2 ? noPidsLimit : undefined)
  return { ...some({ current: pids.current }), ...(limit !== undefined && { limit }) }
}

function cpuStats(sample: Sample | undefined): CpuStats {
  const { cpu } = sample?.usage ?? {}
  return {
    cpu_usage: {
      total_usage: cpu?.total ?? 0,
      ...(cpu !== undefined && cpu.perProcessor.length > 0 && { percpu_usage: cpu.perProcessor }),
      usage_in_kernelmode: cpu?.kernel ?? 0,
      usage_in_usermode: cpu?.user ?? 0,
    },
    ...(sample !== undefined && { system_cpu_usage: sample.host.cpu, online_cpus: sample.host.processors }),
    throttling_data: { periods: cpu?.periods ?? 0, throttled_periods: cpu?.throttledPeriods ?? 0, throttled_time: cpu?.throttled ?? 0 },
  }
}

function memoryStats({ usage: { memory }, host }: Sample): MemoryStats {
  return {
    ...some({ usage: memory.current, max_usage: memory.highest ?? 0 }),
    stats: memory.stat,
    ...some({ failcnt: memory.failures }),
    limit: Math.min(memory.limit ?? host.memory, host.memory),
  }
}

function blockIoStats(usage: CgroupUsage | undefined): BlockIoStats {
  // v1 has lists that happen to be empty, v2 has no such lists.
  const unkept = usage?.version === 1 ? [] : null
  return {
    io_service_bytes_recursive: usage === undefined ? null : entries(usage.blockIo.bytes),
    io_serviced_recursive: usage?.version === 1 ? entries(usage.blockIo.operations) : null,
    io_queue_recursive: unkept,
    io_service_time_recursive: unkept,
    io_wait_time_recursive: unkept,
    io_merged_recursive: unkept,
    io_time_recursive: unkept,
    sectors_recursive: unkept,
  }
}

function entries(counts: BlockIoCount[]): BlockIoEntry[] {
  return counts.map(({ major, minor, operation, value }) => ({ major, minor, op: operation, value }))
}

/** Without the zeros. */
function some(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0))
}
