import type { OciSyscallRule } from '../../runc/spec.ts'
import { type BpfBuilder, type Place, dataOffset, opcode } from './bpf.ts'

export type Condition = NonNullable<OciSyscallRule['args']>[number]

/** Where a comparison goes on, and how wide arguments are: on 32-bit interfaces the upper half means nothing. */
interface Continuation {
  hit: Place
  miss: Place
  bits: 32 | 64
}

const argumentCount = 6
const low32 = 0xffff_ffffn
const all64 = 0xffff_ffff_ffff_ffffn

/** Goes on at `hit` when all conditions hold, else at `miss`. @throws Error for an operator or argument that does not exist */
export function allOf(builder: BpfBuilder, conditions: readonly Condition[], to: Continuation): Place {
  return conditions.reduceRight((hit, condition) => holds(builder, condition, { ...to, hit }), to.hit)
}

function holds(builder: BpfBuilder, condition: Condition, to: Continuation): Place {
  const { index, op } = condition
  if (!Number.isInteger(index) || index < 0 || index >= argumentCount) {
    throw new Error(`cannot compile seccomp profile: invalid argument index ${index}`)
  }
  const value = unsigned(condition.value)
  const not = { ...to, hit: to.miss, miss: to.hit }
  switch (op) {
    case 'SCMP_CMP_EQ':
      return equals(builder, { index, value, mask: all64 }, to)
    case 'SCMP_CMP_NE':
      return equals(builder, { index, value, mask: all64 }, not)
    case 'SCMP_CMP_MASKED_EQ':
      return equals(builder, { index, value: unsigned(condition.valueTwo ?? 0), mask: value }, to)
    case 'SCMP_CMP_GT':
      return above(builder, { index, value, comparison: opcode.greater }, to)
    case 'SCMP_CMP_GE':
      return above(builder, { index, value, comparison: opcode.atLeast }, to)
    case 'SCMP_CMP_LT':
      return above(builder, { index, value, comparison: opcode.atLeast }, not)
    case 'SCMP_CMP_LE':
      return above(builder, { index, value, comparison: opcode.greater }, not)
    default:
      throw new Error(`cannot compile seccomp profile: unknown operator ${JSON.stringify(op)}`)
  }
}

/** `argument & mask == value & mask`, the upper half first. */
function equals(builder: BpfBuilder, operand: { index: number; value: bigint; mask: bigint }, to: Continuation): Place {
  const { index, value, mask } = operand
  const word = (offset: number, value: bigint, mask: bigint, hit: Place): Place => {
    if (mask === 0n) return hit
    const compared = builder.branch(opcode.equal, Number(value & mask), hit, to.miss)
    const masked = mask === low32 ? compared : builder.and(Number(mask), compared)
    return builder.load(offset, masked)
  }
  const low = word(dataOffset.low(index), value & low32, mask & low32, to.hit)
  return to.bits === 32 ? low : word(dataOffset.high(index), value >> 32n, mask >> 32n, low)
}

/** `argument > value` or `argument >= value`: the upper half decides, unless it is equal. */
function above(
  builder: BpfBuilder,
  operand: { index: number; value: bigint; comparison: typeof opcode.greater | typeof opcode.atLeast },
  { hit, miss, bits }: Continuation,
): Place {
  const { index, value, comparison } = operand
  const low = builder.load(dataOffset.low(index), builder.branch(comparison, Number(value & low32), hit, miss))
  if (bits === 32) return low
  const high = Number(value >> 32n)
  const equal = builder.branch(opcode.equal, high, low, miss)
  return builder.load(dataOffset.high(index), builder.branch(opcode.greater, high, hit, equal))
}

/** Profiles carry values as JSON numbers; negative ones are two's complement. */
function unsigned(value: number | bigint): bigint {
  return BigInt.asUintN(64, BigInt(value))
}
