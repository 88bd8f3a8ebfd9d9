import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { finishDetached, prepareDetached, type DetachedPlan, type DetachedSide } from './detached-side.ts'
import { becomeMonitor, prepareMonitor, type MonitorSide } from './monitor-side.ts'
import type { StdioPlan } from './stdio.ts'

export interface OuterOptions {
  directory: string
  stdio: StdioPlan
  detached?: DetachedPlan
}

/** Before the clone, in the process that stays outside: as a monitor, or to leave without one. */
export function prepareOuter(builder: ProgramBuilder, { directory, stdio, detached }: OuterOptions): MonitorSide | DetachedSide {
  return detached === undefined ? prepareMonitor(builder, directory, stdio) : prepareDetached(builder, directory, detached)
}

/** After the clone. */
export function finishOuter(builder: ProgramBuilder, outer: MonitorSide | DetachedSide, terminal: boolean): void {
  if ('plan' in outer) finishDetached(builder, outer, terminal)
  else becomeMonitor(builder, outer)
}
