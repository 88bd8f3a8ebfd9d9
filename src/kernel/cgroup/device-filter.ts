import type { ExactRule } from './devices.ts'

/** struct bpf_cgroup_dev_ctx: u32 access_type (type in the low half, access in the high one), major, minor. */
const context = { accessType: 0, major: 4, minor: 8 } as const
const deviceType = { b: 1, c: 2 } as const
const access = { mknod: 1, read: 2, write: 4 } as const

/** Opcodes of eBPF (Documentation/bpf/standardization/instruction-set.rst). */
const op = { load32: 0x61, move: 0xb7, copy32: 0xbc, and32: 0x54, shift32: 0x74, notEqual: 0x55, exit: 0x95 } as const

/** Registers: the context, then what is asked for. */
const [verdict, argument, scratch, type, wanted, major, minor] = [0, 1, 7, 2, 3, 4, 5]

/**
 * The device rules as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, for v2: the last rule that covers a request
 * decides, so they are tried from the last to the first. What no rule covers is denied.
 */
export function compileDeviceFilter(rules: readonly ExactRule[]): Buffer {
  // What comes before a rule for everything never decides, and the kernel refuses code that is not reached.
  const start = rules.findLastIndex(coversAll)
  const last = start < 0 ? { allow: false } : rules[start]!
  const instructions = [
    instruction(op.load32, type, argument, context.accessType),
    instruction(op.copy32, wanted, type),
    instruction(op.and32, type, 0, 0, 0xffff),
    instruction(op.shift32, wanted, 0, 0, 16),
    instruction(op.load32, major, argument, context.major),
    instruction(op.load32, minor, argument, context.minor),
    ...rules.slice(start + 1).toReversed().flatMap(ruleInstructions),
    instruction(op.move, verdict, 0, 0, last.allow ? 1 : 0),
    instruction(op.exit),
  ]
  return Buffer.concat(instructions)
}

function coversAll(rule: ExactRule): boolean {
  return rule.type === 'a' && rule.major < 0 && rule.minor < 0 && rule.read && rule.write && rule.mknod
}

/** An allowing rule must cover all that is asked for; a denying one bites when it covers any of it. */
function ruleInstructions(rule: ExactRule): Buffer[] {
  const tests: ((skip: number) => Buffer[])[] = []
  const mask = (rule.mknod ? access.mknod : 0) | (rule.read ? access.read : 0) | (rule.write ? access.write : 0)
  if (rule.type !== 'a') tests.push((skip) => [instruction(op.notEqual, type, 0, skip, deviceType[rule.type as 'b' | 'c'])])
  if (mask !== 7) {
    const [kept, jump] = rule.allow ? [7 & ~mask, op.notEqual] : [mask, 0x15]
    tests.push((skip) => [instruction(op.copy32, scratch, wanted), instruction(op.and32, scratch, 0, 0, kept), instruction(jump, scratch, 0, skip, 0)])
  }
  if (rule.major >= 0) tests.push((skip) => [instruction(op.notEqual, major, 0, skip, rule.major)])
  if (rule.minor >= 0) tests.push((skip) => [instruction(op.notEqual, minor, 0, skip, rule.minor)])
  let code = [instruction(op.move, verdict, 0, 0, rule.allow ? 1 : 0), instruction(op.exit)]
  // Built from the end, so that every test knows how much it skips.
  for (const test of tests.toReversed()) code = [...test(code.length), ...code]
  return code
}

function instruction(opcode: number, destination = 0, source = 0, offset = 0, immediate = 0): Buffer {
  const bytes = Buffer.alloc(8)
  bytes[0] = opcode
  bytes[1] = destination | (source << 4)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(immediate, 4)
  return bytes
}
