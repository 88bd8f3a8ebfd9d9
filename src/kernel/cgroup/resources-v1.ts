import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'
import { blockIoV1 } from './block-io.ts'
import type { CurrentLimits } from './resources.ts'
import type { WriteList } from './writes.ts'

/** Limits as files of the v1 controllers (Documentation/admin-guide/cgroup-v1). */
export function resourcesV1(list: WriteList, resources: OciResources, current: CurrentLimits): void {
  const { cpu, memory, pids, network } = resources
  memoryV1(list, memory ?? {}, current)
  if (cpu?.shares) list.add('cpu', 'cpu.shares', cpu.shares)
  // The period bounds the quota, and the quota bounds the burst.
  if (cpu?.period) list.add('cpu', 'cpu.cfs_period_us', cpu.period)
  if (cpu?.quota) list.add('cpu', 'cpu.cfs_quota_us', cpu.quota)
  if (cpu?.burst) list.add('cpu', 'cpu.cfs_burst_us', cpu.burst)
  if (cpu?.realtimePeriod) list.add('cpu', 'cpu.rt_period_us', cpu.realtimePeriod)
  if (cpu?.realtimeRuntime) list.add('cpu', 'cpu.rt_runtime_us', cpu.realtimeRuntime)
  if (cpu?.idle) list.add('cpu', 'cpu.idle', cpu.idle)
  if (cpu?.cpus) list.add('cpuset', 'cpuset.cpus', cpu.cpus)
  if (cpu?.mems) list.add('cpuset', 'cpuset.mems', cpu.mems)
  if (pids !== undefined && pids.limit !== 0) list.add('pids', 'pids.max', pids.limit < 0 ? 'max' : pids.limit)
  blockIoV1(list, resources.blockIO)
  for (const page of resources.hugepageLimits ?? []) list.add('hugetlb', `hugetlb.${page.pageSize}.limit_in_bytes`, page.limit)
  if (network?.classID) list.add('net_cls', 'net_cls.classid', network.classID)
  for (const { name, priority } of network?.priorities ?? []) list.add('net_prio', 'net_prio.ifpriomap', `${name} ${priority}`)
  rdma(list, resources.rdma)
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw new GantryError('InvalidParameter', 'cannot set linux.resources.unified: this host uses cgroup v1')
  }
}

/** One line for each device, the same on v1 and v2 (Documentation/admin-guide/cgroup-v1/rdma.rst). */
export function rdma(list: WriteList, devices: OciResources['rdma'] = {}): void {
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(devices)) {
    const limits = [hcaHandles === undefined ? '' : ` hca_handle=${hcaHandles}`, hcaObjects === undefined ? '' : ` hca_object=${hcaObjects}`].join('')
    if (limits !== '') list.add('rdma', 'rdma.max', `${device}${limits}`)
  }
}

function memoryV1(list: WriteList, memory: NonNullable<OciResources['memory']>, current: CurrentLimits): void {
  const limit = (): void => {
    if (memory.limit) list.add('memory', 'memory.limit_in_bytes', memory.limit)
  }
  const swap = (): void => {
    if (memory.swap) list.add('memory', 'memory.memsw.limit_in_bytes', memory.swap)
  }
  // memsw may never be below the limit, so whichever moves away from the other goes first.
  const raises = memory.swap === -1 || (current.memoryAndSwap !== undefined && (memory.swap ?? 0) > current.memoryAndSwap)
  if (raises) {
    swap()
    limit()
  } else {
    limit()
    swap()
  }
  if (memory.reservation) list.add('memory', 'memory.soft_limit_in_bytes', memory.reservation)
  if (memory.kernel) list.add('memory', 'memory.kmem.limit_in_bytes', memory.kernel, { optional: true })
  if (memory.kernelTCP) list.add('memory', 'memory.kmem.tcp.limit_in_bytes', memory.kernelTCP, { optional: true })
  if (memory.disableOOMKiller === true) list.add('memory', 'memory.oom_control', 1)
  if (memory.swappiness !== undefined && memory.swappiness !== -1) list.add('memory', 'memory.swappiness', memory.swappiness)
}
