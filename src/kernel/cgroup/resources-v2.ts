import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'
import { blockIoV2 } from './block-io.ts'
import { rdma } from './resources-v1.ts'
import type { WriteList } from './writes.ts'

/** Limits as files of the one v2 tree (Documentation/admin-guide/cgroup-v2.rst). */
export function resourcesV2(list: WriteList, resources: OciResources): void {
  const { cpu, memory, pids } = resources
  memoryV2(list, memory ?? {})
  if (cpu?.idle) list.add('cpu', 'cpu.idle', cpu.idle)
  if (cpu?.shares) list.add('cpu', 'cpu.weight', weightOfShares(cpu.shares))
  if (cpu?.quota || cpu?.period) {
    const quota = cpu.quota && cpu.quota > 0 ? String(cpu.quota) : 'max'
    list.add('cpu', 'cpu.max', cpu.period ? `${quota} ${cpu.period}` : quota)
  }
  if (cpu?.burst) list.add('cpu', 'cpu.max.burst', cpu.burst)
  if (cpu?.realtimePeriod || cpu?.realtimeRuntime) {
    throw new GantryError('InvalidParameter', 'cannot set linux.resources.cpu.realtimeRuntime: cgroup v2 has no realtime limits')
  }
  if (cpu?.cpus) list.add('cpuset', 'cpuset.cpus', cpu.cpus)
  if (cpu?.mems) list.add('cpuset', 'cpuset.mems', cpu.mems)
  if (pids !== undefined && pids.limit !== 0) list.add('pids', 'pids.max', pids.limit < 0 ? 'max' : pids.limit)
  blockIoV2(list, resources.blockIO)
  for (const page of resources.hugepageLimits ?? []) list.add('hugetlb', `hugetlb.${page.pageSize}.max`, page.limit)
  rdma(list, resources.rdma)
  for (const [file, value] of Object.entries(resources.unified ?? {})) unified(list, file, value)
}

/**
 * `cpu.shares` (2..262144, normally 1024) as `cpu.weight` (1..10000, normally 100): the linear mapping of
 * crun and runc, so that the same container gets the same number under any of them.
 */
export function weightOfShares(shares: number): number {
  const clipped = Math.min(262_144, Math.max(2, shares))
  return 1 + Math.floor(((clipped - 2) * 9999) / 262_142)
}

function memoryV2(list: WriteList, memory: NonNullable<OciResources['memory']>): void {
  if (memory.limit) list.add('memory', 'memory.max', memory.limit < 0 ? 'max' : memory.limit)
  const swap = swapMax(memory)
  if (swap !== undefined) list.add('memory', 'memory.swap.max', swap)
  if (memory.reservation) list.add('memory', 'memory.low', memory.reservation < 0 ? 'max' : memory.reservation)
}

/** OCI's `swap` is memory plus swap; v2 limits swap alone. undefined: leave it alone. @throws GantryError InvalidParameter */
export function swapMax(memory: NonNullable<OciResources['memory']>): 'max' | number | undefined {
  const { limit = 0, swap = 0 } = memory
  if (swap === 0) return undefined
  if (swap < 0) return 'max'
  if (limit <= 0) throw new GantryError('InvalidParameter', 'cannot set linux.resources.memory.swap: it needs a memory limit')
  if (swap < limit) throw new GantryError('InvalidParameter', 'cannot set linux.resources.memory.swap: it is below the memory limit')
  return swap - limit
}

function unified(list: WriteList, file: string, value: string): void {
  if (file.includes('/') || !file.includes('.')) {
    throw new GantryError('InvalidParameter', `cannot set linux.resources.unified ${JSON.stringify(file)}: it must be a file name of a controller`)
  }
  list.add(file.slice(0, file.indexOf('.')), file, value)
}
