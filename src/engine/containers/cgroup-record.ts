import { cpus } from 'node:os'
import { GantryError } from '../../lib/errors.ts'
import { checkCgroupValue, type CgroupValue } from '../../kernel/cgroup/values.ts'
import type { HostConfig } from '../types/host-config.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { notRunning } from './joined.ts'

/** What `gantry set` asks: values by file name, where an empty one is forgotten; `adopt` takes the live values into the record. */
export interface SetCgroup {
  values: Readonly<Record<string, string>>
  adopt: boolean
}

/** Limits that are adopted, with the values that mean none is set: of v2, and of v1 in the words of v2. */
const limits: Readonly<Record<string, readonly string[]>> = {
  'cpu.weight': ['100', '39'], 'cpu.max': ['max 100000'], 'memory.max': ['max'], 'memory.high': ['max'], 'memory.low': ['0', 'max'], 'memory.min': ['0'], 'memory.swap.max': ['max'],
  'pids.max': ['max'], 'io.weight': ['default 100'], 'io.bfq.weight': ['default 100', '100'], 'io.max': [''], 'cpuset.cpus': ['', '0', `0-${cpus().length - 1}`], 'cpuset.mems': ['', '0'],
}

/** Every value of a running container's cgroup. @throws Conflict */
export function containerCgroup(container: Container): CgroupValue[] {
  if (container.task === undefined) throw notRunning(container.id)
  return container.task.cgroupValues()
}

/** Writes limits now, when the container runs, and records them for every later start. @returns the record */
export async function setCgroup(ctx: ContainersContext, container: Container, { values, adopt }: SetCgroup): Promise<Record<string, string>> {
  for (const [file, value] of Object.entries(values)) checkCgroupValue(file, value)
  return container.lock.run(async () => {
    const { task, removed, state } = container
    if (removed || state.RemovalInProgress || state.Dead) throw new GantryError('Conflict', 'container is marked for removal and cannot be set')
    const set = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))
    await task?.setCgroupValues(set)
    const record: Record<string, string> = { ...container.cgroupValues, ...(adopt ? liveLimits(container) : {}), ...set }
    for (const [file, value] of Object.entries(values)) if (value === '') delete record[file]
    container.cgroupValues = record
    ctx.store.save(container)
    emitContainerEvent(ctx, container, 'update')
    return record
  })
}

/** At a start, when the cgroup is there and nothing runs in it yet. */
export async function applyCgroupRecord({ cgroupValues }: Container, task: { setCgroupValues(values: Readonly<Record<string, string>>): Promise<void> }): Promise<void> {
  if (cgroupValues !== undefined && Object.keys(cgroupValues).length > 0) await task.setCgroupValues(cgroupValues)
}

/** `docker update` has the last word on what it changes. */
export function forgetUpdated(container: Container, change: HostConfig): void {
  const record = container.cgroupValues
  if (record === undefined) return
  const touched = [
    ...(change.Memory || change.MemorySwap ? ['memory.max', 'memory.swap.max', 'memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'] : []),
    ...(change.MemoryReservation ? ['memory.low', 'memory.soft_limit_in_bytes'] : []),
    ...(change.NanoCpus || change.CpuQuota || change.CpuPeriod ? ['cpu.max', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'] : []),
    ...(change.CpuShares ? ['cpu.weight', 'cpu.shares'] : []),
    ...(change.CpusetCpus ? ['cpuset.cpus'] : []),
    ...(change.CpusetMems ? ['cpuset.mems'] : []),
    ...(typeof change.PidsLimit === 'number' ? ['pids.max'] : []),
    ...(change.BlkioWeight ? ['io.weight', 'io.bfq.weight', 'blkio.bfq.weight'] : []),
  ]
  container.cgroupValues = Object.fromEntries(Object.entries(record).filter(([file]) => !touched.includes(file)))
}

function liveLimits(container: Container): Record<string, string> {
  const live = new Map(containerCgroup(container).map(({ file, value, unified }) => (unified === undefined ? [file, value] : [unified.file, unified.value]) as [string, string]))
  const quota = live.get('cpu.cfs_quota_us')
  if (quota !== undefined) live.set('cpu.max', `${quota === '-1' ? 'max' : quota} ${live.get('cpu.cfs_period_us') ?? '100000'}`)
  const limited = Object.entries(limits).flatMap(([file, none]) => {
    const value = live.get(file)
    return value === undefined || none.includes(value) ? [] : [[file, value] as const]
  })
  return Object.fromEntries(limited)
}
