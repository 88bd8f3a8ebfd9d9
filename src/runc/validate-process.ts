import { parseNumberSet } from './number-set.ts'
import { refuse } from './refuse.ts'
import type { OciProcess, OciScheduler } from './spec.ts'
import { processShape } from './spec-shape.ts'

/** The part of a specification that an exec has too. @throws GantryError InvalidParameter, naming the field */
export function validateProcess(process: OciProcess): void {
  processShape(process, 'process')
  if (process.args.length === 0) refuse('process.args', 'it is empty')
  if (!process.cwd.startsWith('/')) refuse('process.cwd', `${JSON.stringify(process.cwd)} is not an absolute path`)
  const nameless = (process.env ?? []).findIndex((entry) => !entry.includes('='))
  if (nameless >= 0) refuse(`process.env[${nameless}]`, `${JSON.stringify(process.env![nameless])} is an invalid environment variable: missing '='`)
  const types = (process.rlimits ?? []).map(({ type }) => type)
  for (const { type, soft, hard } of process.rlimits ?? []) {
    if (BigInt.asUintN(64, BigInt(soft)) > BigInt.asUintN(64, BigInt(hard))) refuse('process.rlimits', `the soft limit of ${type} is above its hard limit`)
    if (types.filter((other) => other === type).length > 1) refuse('process.rlimits', `${type} is listed twice`)
  }
  if (process.scheduler !== undefined) validateScheduler(process.scheduler)
  const { initial, final } = process.execCPUAffinity ?? {}
  for (const [field, cpus] of Object.entries({ initial, final })) {
    if (cpus && parseNumberSet(cpus) === undefined) refuse(`process.execCPUAffinity.${field}`, `${JSON.stringify(cpus)} is not a list of CPUs`)
  }
}

/** man 7 sched */
function validateScheduler({ policy, nice, priority, runtime = 0, deadline = 0, period = 0 }: OciScheduler): void {
  const realtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR'
  if (realtime && (priority === undefined || priority < 1 || priority > 99)) refuse('process.scheduler.priority', `${policy} needs one between 1 and 99`)
  if (!realtime && priority) refuse('process.scheduler.priority', `${policy} has none`)
  if (nice && policy !== 'SCHED_OTHER' && policy !== 'SCHED_BATCH') refuse('process.scheduler.nice', `${policy} has none`)
  const deadlines = { runtime, deadline, period }
  if (policy !== 'SCHED_DEADLINE') {
    const given = Object.entries(deadlines).find(([, time]) => time !== 0)
    if (given !== undefined) refuse(`process.scheduler.${given[0]}`, 'it is for SCHED_DEADLINE')
    return
  }
  if (runtime < 1024) refuse('process.scheduler.runtime', 'it is below 1024 ns')
  if (deadline < runtime) refuse('process.scheduler.deadline', 'it is below the runtime')
  if (period !== 0 && period < deadline) refuse('process.scheduler.period', 'it is below the deadline')
}
