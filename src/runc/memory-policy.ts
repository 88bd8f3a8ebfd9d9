import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { bitMask, parseNumberSet } from './number-set.ts'
import type { OciLinux } from './spec.ts'

/** linux/mempolicy.h */
export const memoryPolicyModes: Readonly<Record<string, number>> = {
  MPOL_DEFAULT: 0, MPOL_PREFERRED: 1, MPOL_BIND: 2, MPOL_INTERLEAVE: 3, MPOL_LOCAL: 4, MPOL_PREFERRED_MANY: 5, MPOL_WEIGHTED_INTERLEAVE: 6,
}
export const memoryPolicyFlags: Readonly<Record<string, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13, MPOL_F_RELATIVE_NODES: 1 << 14, MPOL_F_STATIC_NODES: 1 << 15,
}

/** set_mempolicy(2): on which nodes the process and its children get memory. */
export function setMemoryPolicy(builder: ProgramBuilder, policy: NonNullable<OciLinux['memoryPolicy']>): void {
  const nodes = policy.nodes ? (parseNumberSet(policy.nodes) ?? []) : []
  const mask = bitMask(nodes)
  const mode = (policy.flags ?? []).reduce((all, flag) => all | (memoryPolicyFlags[flag] ?? 0), memoryPolicyModes[policy.mode] ?? 0)
  // The kernel takes one bit less than it is told.
  const [place, bits] = nodes.length === 0 ? [null, 0] : [builder.bytes(mask), mask.length * 8 + 1]
  builder.call(`set linux.memoryPolicy to ${policy.mode} ${policy.nodes ?? ''}`.trim(), 'set_mempolicy', [mode, place, bits])
}
