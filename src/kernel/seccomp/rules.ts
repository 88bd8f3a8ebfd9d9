import type { OciSyscallRule } from '../../runc/spec.ts'
import { verdictOf } from './actions.ts'
import type { SyscallAbi } from './architecture.ts'
import type { Condition } from './conditions.ts'
import { multiplexed } from './multiplexed.ts'

/** What a profile says about one system call. */
export interface Rules {
  /** Verdict of a rule without conditions, which beats all others. */
  always?: number
  conditional: { conditions: readonly Condition[]; verdict: number }[]
}

/**
 * Sorts the rules of a profile by the numbers that an interface gives to the names.
 * `newest` is the highest number that the profile names; private numbers far above the table (arm) do not count.
 */
export function rulesByNumber(syscalls: readonly OciSyscallRule[], abi: SyscallAbi): { rules: Map<number, Rules>; newest?: number } {
  const rules = new Map<number, Rules>()
  for (const { names, action, errnoRet, args } of syscalls) {
    const verdict = verdictOf(action, errnoRet)
    for (const { number, given } of names.flatMap((name) => waysToCall(name, args ?? [], abi))) {
      const rule = rules.get(number) ?? { conditional: [] }
      rules.set(number, rule)
      if (given.length > 0) rule.conditional.push(...alternatives(given).map((conditions) => ({ conditions, verdict })))
      else rule.always ??= verdict
    }
  }
  const table = [...rules.keys()].filter((number) => number < privateCalls)
  return { rules, ...(table.length > 0 ? { newest: Math.max(...table) } : {}) }
}

/** __ARM_NR_BASE. */
const privateCalls = 0xf_0000

interface WayToCall {
  number: number
  given: readonly Condition[]
}

/**
 * By its own number, and on i386 as an operation of socketcall or ipc. There the arguments are in memory: as with
 * libseccomp a condition on the first one is lost, the others compare what is in its place.
 */
function waysToCall(name: string, given: readonly Condition[], { numbers, scmp }: SyscallAbi): WayToCall[] {
  const ways: WayToCall[] = Object.hasOwn(numbers, name) ? [{ number: numbers[name] ?? 0, given }] : []
  const other = scmp === 'SCMP_ARCH_X86' ? multiplexed.get(name) : undefined
  if (!other) return ways
  const operation = { index: 0, op: 'SCMP_CMP_EQ', value: other.operation }
  return [...ways, { number: numbers[other.through] ?? 0, given: [operation, ...given.filter(({ index }) => index !== 0)] }]
}

/**
 * libseccomp cannot compare one argument twice in a rule; runc makes a rule of each condition then, and profiles are
 * written for that.
 */
function alternatives(conditions: readonly Condition[]): (readonly Condition[])[] {
  const repeated = new Set(conditions.map(({ index }) => index)).size < conditions.length
  return repeated ? conditions.map((condition) => [condition]) : [conditions]
}
