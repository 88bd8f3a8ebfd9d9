import { weightOfShares } from './resources-v2.ts'

/** A file of a v1 controller that means what a v2 file does. Values go both ways as text. */
export interface UnifiedName {
  v1: string
  v2: string
  toV2?: (value: string) => string
  toV1?: (value: string) => string
}

/** From here on v1 means "no limit": LONG_MAX rounded down to a page of 64 KiB. */
const noLimit = 0x7fff_ffff_ffff_0000n

const bytes: Pick<UnifiedName, 'toV1' | 'toV2'> = {
  toV2: (value) => (/^\d+$/.test(value) && BigInt(value) >= noLimit ? 'max' : value),
  toV1: (value) => (value === 'max' ? '-1' : value),
}

/** The inverse of the mapping that runtimes use, so that a weight that was set is the one that is read. */
function sharesOfWeight(weight: string): string {
  const shares = 2 + Math.ceil(((Number(weight) - 1) * 262_142) / 9999)
  return String(shares)
}

export const unifiedNames: readonly UnifiedName[] = [
  { v1: 'cpu.shares', v2: 'cpu.weight', toV2: (shares) => String(weightOfShares(Number(shares))), toV1: sharesOfWeight },
  { v1: 'cpu.cfs_burst_us', v2: 'cpu.max.burst' },
  { v1: 'cpuset.cpus', v2: 'cpuset.cpus' },
  { v1: 'cpuset.mems', v2: 'cpuset.mems' },
  { v1: 'cpuset.effective_cpus', v2: 'cpuset.cpus.effective' },
  { v1: 'cpuset.effective_mems', v2: 'cpuset.mems.effective' },
  { v1: 'memory.limit_in_bytes', v2: 'memory.max', ...bytes },
  { v1: 'memory.soft_limit_in_bytes', v2: 'memory.low', ...bytes },
  { v1: 'memory.usage_in_bytes', v2: 'memory.current' },
  { v1: 'memory.max_usage_in_bytes', v2: 'memory.peak' },
  { v1: 'memory.stat', v2: 'memory.stat' },
  { v1: 'pids.max', v2: 'pids.max' },
  { v1: 'pids.current', v2: 'pids.current' },
  { v1: 'blkio.bfq.weight', v2: 'io.bfq.weight' },
  { v1: 'freezer.state', v2: 'cgroup.freeze', toV2: (state) => (state === 'THAWED' ? '0' : '1') },
]
