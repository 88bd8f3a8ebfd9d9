import type { Argument } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciScheduler } from './spec.ts'

/** linux/sched.h */
export const schedulerPolicies: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0, SCHED_FIFO: 1, SCHED_RR: 2, SCHED_BATCH: 3, SCHED_ISO: 4, SCHED_IDLE: 5, SCHED_DEADLINE: 6,
}
export const schedulerFlags: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01, SCHED_FLAG_RECLAIM: 0x02, SCHED_FLAG_DL_OVERRUN: 0x04, SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10, SCHED_FLAG_UTIL_CLAMP_MIN: 0x20, SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
}
const attributesSize = 48

/** struct sched_attr, version 0 (man 2 sched_setattr). */
export function setScheduler(builder: ProgramBuilder, who: Argument, scheduler: OciScheduler): void {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler
  const attributes = Buffer.alloc(attributesSize)
  attributes.writeUInt32LE(attributesSize, 0)
  attributes.writeUInt32LE(schedulerPolicies[policy] ?? 0, 4)
  attributes.writeBigUInt64LE(BigInt(flags.reduce((all, flag) => all | (schedulerFlags[flag] ?? 0), 0)), 8)
  attributes.writeInt32LE(nice, 16)
  attributes.writeUInt32LE(priority, 20)
  for (const [index, time] of [runtime, deadline, period].entries()) attributes.writeBigUInt64LE(BigInt(time), 24 + 8 * index)
  builder.call(`set process.scheduler to ${policy}`, 'sched_setattr', [who, builder.bytes(attributes), 0])
}
