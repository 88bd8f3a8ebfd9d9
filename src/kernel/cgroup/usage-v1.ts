import { flatKeyed, single, type ReadCgroupFile } from './usage-files.ts'
import type { BlockIoCount, CgroupUsage, CpuUsage, MemoryUsage } from './usage.ts'

/** USER_HZ, in which `cpuacct.stat` counts, is 100 on every architecture that we run on. */
const nanosecondsPerTick = 10_000_000
/** LONG_MAX rounded down to a page of 64 KiB, the largest there is: `memory.limit_in_bytes` from here on means "none". */
const noLimit = 0x7fff_ffff_ffff_0000

/** Counters of the v1 controllers (Documentation/admin-guide/cgroup-v1: cpuacct, memory, pids, blkio-controller). */
export function usageV1(read: ReadCgroupFile): CgroupUsage {
  return {
    version: 1,
    cpu: cpu(read),
    memory: memory(read),
    pids: { current: single(read('pids', 'pids.current')) ?? 0, limit: single(read('pids', 'pids.max')) },
    blockIo: {
      bytes: blockIo(read('blkio', 'blkio.throttle.io_service_bytes_recursive')),
      operations: blockIo(read('blkio', 'blkio.throttle.io_serviced_recursive')),
    },
  }
}

function cpu(read: ReadCgroupFile): CpuUsage {
  const ticks = flatKeyed(read('cpuacct', 'cpuacct.stat'))
  const throttling = flatKeyed(read('cpu', 'cpu.stat'))
  return {
    total: single(read('cpuacct', 'cpuacct.usage')) ?? 0,
    user: Number(ticks['user'] ?? 0) * nanosecondsPerTick,
    kernel: Number(ticks['system'] ?? 0) * nanosecondsPerTick,
    perProcessor: read('cpuacct', 'cpuacct.usage_percpu').split(/\s+/).filter((digits) => digits !== '').map(Number),
    periods: Number(throttling['nr_periods'] ?? 0),
    throttledPeriods: Number(throttling['nr_throttled'] ?? 0),
    throttled: Number(throttling['throttled_time'] ?? 0),
  }
}

function memory(read: ReadCgroupFile): MemoryUsage {
  const limit = single(read('memory', 'memory.limit_in_bytes'))
  return {
    current: single(read('memory', 'memory.usage_in_bytes')) ?? 0,
    limit: limit === undefined || limit >= noLimit ? undefined : limit,
    highest: single(read('memory', 'memory.max_usage_in_bytes')),
    failures: single(read('memory', 'memory.failcnt')) ?? 0,
    stat: flatKeyed(read('memory', 'memory.stat')),
  }
}

/** "8:0 Read 4096" a line; the sum over all devices ("Total 4096") is left out. */
function blockIo(text: string): BlockIoCount[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, operation, value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? []
    if (operation === undefined) return []
    return [{ major: Number(major), minor: Number(minor), operation: operation.toLowerCase(), value: Number(value) }]
  })
}
