import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { bitMask, parseNumberSet } from './number-set.ts'

/** sched_setaffinity(2) on this process; `cpus` is a list such as "0-3,8". */
export function setCpuAffinity(builder: ProgramBuilder, field: string, cpus: string | undefined): void {
  if (!cpus) return
  const mask = bitMask(parseNumberSet(cpus) ?? [])
  builder.call(`set ${field} to ${cpus}`, 'sched_setaffinity', [0, mask.length, builder.bytes(mask)])
}
