import type { Argument } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciProcess } from './spec.ts'

/** linux/ioprio.h */
export const ioClasses: Readonly<Record<string, number>> = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 }
const classShift = 13
const IOPRIO_WHO_PROCESS = 1

export function setIoPriority(builder: ProgramBuilder, who: Argument, wanted: NonNullable<OciProcess['ioPriority']>): void {
  const priority = ((ioClasses[wanted.class] ?? 0) << classShift) | wanted.priority
  builder.call(`set process.ioPriority to ${wanted.class} ${wanted.priority}`, 'ioprio_set', [IOPRIO_WHO_PROCESS, who, priority])
}
