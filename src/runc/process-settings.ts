import { capabilityMask } from '../kernel/capabilities.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { setIoPriority } from './io-priority.ts'
import { setOomScore } from './oom-score.ts'
import { setRlimits } from './rlimits.ts'
import { setScheduler } from './scheduler.ts'
import type { OciProcess } from './spec.ts'
import { copiesFromOutside, writeProcessFile, type UserNamespace } from './user-namespace.ts'

const EACCES = 13
const sysResource = capabilityMask(['CAP_SYS_RESOURCE'])

/**
 * Limits and priorities above the usual need rights over the host. A process in a user namespace has none: the outer process
 * sets them for it.
 */
export function setFromOutside(builder: ProgramBuilder, pid: Cell, process: OciProcess, users: UserNamespace): void {
  if (copiesFromOutside(users)) setForAnother(builder, pid, process)
}

/** Whether `setForAnother` can do what may be asked of it. */
export function canSetForAnother(available: bigint): boolean {
  return (available & sysResource) !== 0n
}

/** The same where only who calls knows that the process cannot do it itself. */
export function setForAnother(builder: ProgramBuilder, pid: Cell, process: OciProcess): void {
  if (process.oomScoreAdj !== undefined) writeProcessFile(builder, pid, 'oom_score_adj', String(process.oomScoreAdj), [EACCES])
  set(builder, pid, process)
}

/** In the child, while the host's /proc is still there. */
export function setFromInside(builder: ProgramBuilder, process: OciProcess, users: UserNamespace, available: bigint): void {
  if (copiesFromOutside(users)) return
  // Without the right to go below what was inherited, that is as low as it gets.
  const clipped = users.kind !== 'own' || (available & sysResource) === 0n
  if (process.oomScoreAdj !== undefined) setOomScore(builder, process.oomScoreAdj, clipped)
  set(builder, 0, process)
}

function set(builder: ProgramBuilder, who: Cell | number, process: OciProcess): void {
  if (process.scheduler !== undefined) setScheduler(builder, who, process.scheduler)
  if (process.ioPriority !== undefined) setIoPriority(builder, who, process.ioPriority)
  setRlimits(builder, who, process.rlimits ?? [])
}
