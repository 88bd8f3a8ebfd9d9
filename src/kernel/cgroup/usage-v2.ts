import { flatKeyed, single, type ReadCgroupFile } from './usage-files.ts'
import type { BlockIoCount, CgroupUsage, CpuUsage } from './usage.ts'

/** Counters of the one v2 tree (Documentation/admin-guide/cgroup-v2.rst). */
export function usageV2(read: ReadCgroupFile): CgroupUsage {
  const io = read('io', 'io.stat')
  return {
    version: 2,
    cpu: cpu(read),
    memory: {
      current: single(read('memory', 'memory.current')) ?? 0,
      limit: single(read('memory', 'memory.max')),
      highest: undefined,
      failures: Number(flatKeyed(read('memory', 'memory.events'))['oom'] ?? 0),
      stat: flatKeyed(read('memory', 'memory.stat')),
    },
    pids: { current: single(read('pids', 'pids.current')) ?? 0, limit: single(read('pids', 'pids.max')) },
    blockIo: { bytes: blockIo(io, { rbytes: 'read', wbytes: 'write' }), operations: blockIo(io, { rios: 'read', wios: 'write' }) },
  }
}

function cpu(read: ReadCgroupFile): CpuUsage {
  const stat = flatKeyed(read('cpu', 'cpu.stat'))
  const nanoseconds = (name: string): number => Number(stat[name] ?? 0) * 1000
  return {
    total: nanoseconds('usage_usec'),
    user: nanoseconds('user_usec'),
    kernel: nanoseconds('system_usec'),
    perProcessor: [],
    periods: Number(stat['nr_periods'] ?? 0),
    throttledPeriods: Number(stat['nr_throttled'] ?? 0),
    throttled: nanoseconds('throttled_usec'),
  }
}

/** "8:0 rbytes=1 wbytes=2 …" a line. */
function blockIo(text: string, names: Record<string, string>): BlockIoCount[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, rest] = /^(\d+):(\d+) (.+)$/.exec(line) ?? []
    if (rest === undefined) return []
    const counts = new Map(rest.split(' ').map((pair) => pair.split('=') as [string, string]))
    return Object.entries(names).map(([key, operation]) => ({ major: Number(major), minor: Number(minor), operation, value: Number(counts.get(key) ?? 0) }))
  })
}
