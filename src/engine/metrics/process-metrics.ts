import { readFileSync, readdirSync } from 'node:fs'
import type { Metric } from './metric-text.ts'

/** Clock ticks a second (USER_HZ), the same on all architectures that matter. */
const ticks = 100
const pageSize = 4096

/** What client libraries tell of their process, from proc(5). */
export function processMetrics(): Metric[] {
  // Fields begin with the third: the second, a name in parentheses, may hold anything.
  const fields = read('/proc/self/stat').replace(/^.*\) /s, '').split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  const booted = Number(/^btime (\d+)$/m.exec(read('/proc/stat'))?.[1])
  const limits = read('/proc/self/limits')
  const limit = (name: string): number => {
    const soft = new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1]
    return soft === 'unlimited' ? 2 ** 64 : Number(soft)
  }
  return [
    metric('process_cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.', (field(14) + field(15)) / ticks),
    metric('process_max_fds', 'gauge', 'Maximum number of open file descriptors.', limit('Max open files')),
    metric('process_open_fds', 'gauge', 'Number of open file descriptors.', readdirSync('/proc/self/fd').length),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', field(24) * pageSize),
    metric('process_start_time_seconds', 'gauge', 'Start time of the process since unix epoch in seconds.', booted + field(22) / ticks),
    metric('process_virtual_memory_bytes', 'gauge', 'Virtual memory size in bytes.', field(23)),
    metric('process_virtual_memory_max_bytes', 'gauge', 'Maximum amount of virtual memory available in bytes.', limit('Max address space')),
  ]
}

function metric(name: string, type: 'counter' | 'gauge', help: string, value: number): Metric {
  return { name, type, help, samples: [{ value }] }
}

function read(path: string): string {
  return readFileSync(path, 'latin1')
}
