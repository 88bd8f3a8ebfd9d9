import type { Argument } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciProcess } from './spec.ts'

/** Numbers of asm-generic/resource.h. */
export const rlimitNumbers: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
}

/** Of the process with a pid, or of this one: 0. */
export function setRlimits(builder: ProgramBuilder, who: Argument, rlimits: NonNullable<OciProcess['rlimits']>): void {
  for (const { type, soft, hard } of rlimits) {
    const limit = Buffer.from(BigUint64Array.of(BigInt.asUintN(64, BigInt(soft)), BigInt.asUintN(64, BigInt(hard))).buffer)
    builder.call(`set process.rlimits ${type} to ${soft}:${hard}`, 'prlimit64', [who, rlimitNumbers[type] ?? -1, builder.bytes(limit), null])
  }
}
