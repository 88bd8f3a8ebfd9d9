import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** What a container's use is measured against. */
export interface HostUsage {
  /** Nanoseconds of all processors together since boot, idle ones too. */
  cpu: number
  processors: number
  /** Bytes. */
  memory: number
}

const nanosecondsPerTick = 10_000_000

export function hostUsage(): HostUsage {
  return { ...parseProcStat(readFileSync('/proc/stat', 'latin1')), memory: totalmem() }
}

/** proc_stat(5): "cpu" and the sum over all processors in ticks, then a line for each. Guest time is in user time already. */
export function parseProcStat(text: string): { cpu: number; processors: number } {
  const [total = '', ...rest] = text.split('\n')
  const ticks = total.trim().split(/\s+/).slice(1, 8).map(Number)
  return {
    cpu: ticks.reduce((sum, value) => sum + value, 0) * nanosecondsPerTick,
    processors: rest.filter((line) => /^cpu\d/.test(line)).length,
  }
}
