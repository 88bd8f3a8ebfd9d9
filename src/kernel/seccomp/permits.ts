import type { OciSeccomp } from '../../runc/spec.ts'
import { isPermissive, verdictOf } from './actions.ts'
import { nativeArchitecture, profileNames, syscallAbis, type Architecture } from './architecture.ts'
import type { Condition } from './conditions.ts'
import { rulesByNumber } from './rules.ts'

/** A system call as a filter sees it; undefined for an argument that is not known. */
export interface ForeseenCall {
  nr: number
  args: readonly (number | bigint | undefined)[]
}

const through = new Set([verdictOf('SCMP_ACT_ALLOW'), verdictOf('SCMP_ACT_LOG')])

/**
 * Whether the filter that `compileSeccomp` makes of a profile lets each of these calls of the machine's own interface through, whatever the
 * arguments that are not known.
 */
export function permitsAll(seccomp: OciSeccomp, calls: readonly ForeseenCall[], architecture: Architecture = nativeArchitecture()): boolean {
  const native = syscallAbis.find(({ scmp }) => scmp === profileNames[architecture].scmp)!
  const { rules } = rulesByNumber(seccomp.syscalls ?? [], native)
  return calls.every(({ nr, args }) => {
    const { always, conditional = [] } = rules.get(nr) ?? {}
    if (always !== undefined) return through.has(always)
    for (const { conditions, verdict } of conditional) {
      const held = conditions.map((condition) => holds(condition, args[condition.index]))
      if (held.includes(false)) continue
      if (!through.has(verdict)) return false
      if (!held.includes(undefined)) return true
    }
    return isPermissive(seccomp.defaultAction)
  })
}

function holds({ op, value, valueTwo = 0 }: Condition, argument: number | bigint | undefined): boolean | undefined {
  if (argument === undefined) return undefined
  const [given, wanted, second] = [argument, value, valueTwo].map((number) => BigInt.asUintN(64, BigInt(number))) as [bigint, bigint, bigint]
  switch (op) {
    case 'SCMP_CMP_EQ': return given === wanted
    case 'SCMP_CMP_NE': return given !== wanted
    case 'SCMP_CMP_MASKED_EQ': return (given & wanted) === (second & wanted)
    case 'SCMP_CMP_GT': return given > wanted
    case 'SCMP_CMP_GE': return given >= wanted
    case 'SCMP_CMP_LT': return given < wanted
    case 'SCMP_CMP_LE': return given <= wanted
    default: return undefined
  }
}
