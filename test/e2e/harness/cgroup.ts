import { read } from './processes.ts'

/**
 * The kernel's own account of a container's cgroup, on v1, hybrid and v2 hosts alike. Values are what the files say;
 * where v1 has another file for the same thing, that one.
 */
export const unified = / - cgroup2 /.test(mountLine('/sys/fs/cgroup'))

type Controller = 'memory' | 'cpu' | 'pids' | 'cpuacct'

const v1Names: Record<string, string> = {
  'memory.max': 'memory.limit_in_bytes',
  'memory.swap.max': 'memory.memsw.limit_in_bytes',
  'cpu.weight': 'cpu.shares',
  'pids.max': 'pids.max',
  'pids.current': 'pids.current',
}

/** The directory that a process is in, as seen from the host. */
export function cgroupOf(pid: number, controller: Controller): string {
  for (const line of read(`/proc/${pid}/cgroup`).trim().split('\n')) {
    const [, controllers = '', ...rest] = line.split(':')
    const path = rest.join(':')
    if (unified && controllers === '') return `/sys/fs/cgroup${path}`
    if (!unified && controllers.split(',').includes(controller)) return `/sys/fs/cgroup/${controllers.split(',')[0] === controller ? controllers : controller}${path}`
  }
  throw new Error(`process ${pid} is in no ${controller} cgroup`)
}

/** The file that holds a v2 setting on this host, for instance "memory.max". */
export function cgroupFile(pid: number, setting: string): string {
  const controller = setting.split('.')[0] as Controller
  return `${cgroupOf(pid, controller)}/${unified ? setting : v1Names[setting]}`
}

export function cgroupValue(pid: number, setting: string): string {
  return read(cgroupFile(pid, setting)).trim()
}

/** Quota and period in µs as `cpu.max` has them: "50000 100000" or "max 100000". */
export function cpuMax(pid: number): string {
  const directory = cgroupOf(pid, 'cpu')
  if (unified) return read(`${directory}/cpu.max`).trim()
  const quota = read(`${directory}/cpu.cfs_quota_us`).trim()
  return `${quota === '-1' ? 'max' : quota} ${read(`${directory}/cpu.cfs_period_us`).trim()}`
}

/** CPU time used by a cgroup, in µs, and how often it was throttled. */
export function cpuUsage(pid: number): { usedMicroseconds: number; throttled: number } {
  const stat = read(`${cgroupOf(pid, 'cpu')}/cpu.stat`)
  const throttled = Number(/^nr_throttled (\d+)/m.exec(stat)?.[1] ?? 0)
  if (unified) return { usedMicroseconds: Number(/^usage_usec (\d+)/m.exec(stat)?.[1]), throttled }
  return { usedMicroseconds: Number(read(`${cgroupOf(pid, 'cpuacct')}/cpuacct.usage`)) / 1000, throttled }
}

function mountLine(point: string): string {
  return read('/proc/self/mountinfo').split('\n').findLast((line) => line.split(' ')[4] === point) ?? ''
}
