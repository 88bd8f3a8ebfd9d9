import type { CgroupLayout } from './layout.ts'
import { cgroupFiles, type ReadCgroupFile } from './usage-files.ts'
import { usageV1 } from './usage-v1.ts'
import { usageV2 } from './usage-v2.ts'

/** What the processes of a cgroup use and have used. Bytes and nanoseconds. A controller that is not there counts as nothing. */
export interface CgroupUsage {
  version: 1 | 2
  cpu: CpuUsage
  memory: MemoryUsage
  pids: { current: number; /** undefined: unlimited */ limit: number | undefined }
  blockIo: { bytes: BlockIoCount[]; operations: BlockIoCount[] }
}

export interface CpuUsage {
  total: number
  user: number
  kernel: number
  /** By processor; v1 alone knows. */
  perProcessor: number[]
  periods: number
  throttledPeriods: number
  throttled: number
}

export interface MemoryUsage {
  current: number
  /** undefined: unlimited */
  limit: number | undefined
  /** The highest `current`; v1 alone tells. */
  highest: number | undefined
  /** How often the limit was hit (v1 `memory.failcnt`, v2 `oom` of `memory.events`). */
  failures: number
  /** `memory.stat`, in the kernel's names. */
  stat: Record<string, number | bigint>
}

export interface BlockIoCount {
  major: number
  minor: number
  /** In lower case: "read", "write"; on v1 also "sync", "async", "discard", "total". */
  operation: string
  value: number
}

/** Reads a cgroup's counters. Never fails: a cgroup that is gone has used nothing. */
export function readUsage(layout: CgroupLayout, path: string, read: ReadCgroupFile = cgroupFiles(layout, path)): CgroupUsage {
  return layout.mode === 'v2' ? usageV2(read) : usageV1(read)
}
