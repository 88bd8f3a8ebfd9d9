import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { syscallAbis } from '../../../../src/kernel/seccomp/architecture.ts'
import { compileSeccomp } from '../../../../src/kernel/seccomp/compile.ts'
import type { OciSeccomp, OciSyscallRule } from '../../../../src/runc/spec.ts'
import { interpret } from './bpf-interpreter.ts'

const ALLOW = 0x7fff_0000
const ERRNO = 0x0005_0000
const x86_64 = 0xc000_003e
const i386 = 0x4000_0003
const ioctl = 16

function verdict(seccomp: Partial<OciSeccomp>, nr: number, args: bigint[] = [], arch = x86_64): number {
  const { filter } = compileSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', ...seccomp }, 'x86_64')
  return interpret(filter, { nr, arch, args: [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) })
}

function allowing(...names: string[]): OciSyscallRule[] {
  return [{ names, action: 'SCMP_ACT_ALLOW' }]
}

function ioctlWhere(...args: NonNullable<OciSyscallRule['args']>): OciSyscallRule[] {
  return [{ names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args }]
}

const operators: Record<string, (argument: bigint, value: bigint, valueTwo: bigint) => boolean> = {
  SCMP_CMP_EQ: (argument, value) => argument === value,
  SCMP_CMP_NE: (argument, value) => argument !== value,
  SCMP_CMP_LT: (argument, value) => argument < value,
  SCMP_CMP_LE: (argument, value) => argument <= value,
  SCMP_CMP_GT: (argument, value) => argument > value,
  SCMP_CMP_GE: (argument, value) => argument >= value,
  SCMP_CMP_MASKED_EQ: (argument, value, valueTwo) => (argument & value) === (valueTwo & value),
}

/** Numbers whose halves often meet. */
const half = fc.constantFrom(0n, 1n, 2n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_fffen, 0xffff_ffffn)
const number = fc.oneof(
  fc.tuple(half, half).map(([high, low]) => (high << 32n) | low),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
)
const condition = fc.record({ op: fc.constantFrom(...Object.keys(operators)), value: number, valueTwo: number })

void test('conditions hold exactly when all their comparisons of 64-bit numbers do', () => {
  fc.assert(
    fc.property(fc.array(condition, { minLength: 1, maxLength: 6 }), fc.array(number, { minLength: 6, maxLength: 6 }), (conditions, args) => {
      const rule = { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: conditions.map((condition, index) => ({ index, ...condition })) }
      const all = conditions.every(({ op, value, valueTwo }, index) => operators[op]?.(args[index] ?? 0n, value, valueTwo))
      assert.equal(verdict({ syscalls: [rule] }, ioctl, args), all ? ALLOW : ERRNO | 1)
    }),
    { numRuns: 2000 },
  )
})

void test('on 32-bit interfaces the upper half of an argument means nothing', () => {
  const architectures = ['SCMP_ARCH_X86']
  const rule = { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, op: 'SCMP_CMP_EQ', value: 5 }] }
  assert.equal(verdict({ architectures, syscalls: [rule] }, 54, [0n, (9n << 32n) | 5n], i386), ALLOW)
})

void test('any set of allowed calls is allowed, and no other, on every interface', () => {
  for (const abi of syscallAbis.slice(0, 3)) {
    const names = Object.keys(abi.numbers)
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 250 }), (chosen) => {
        const syscalls = allowing(...chosen)
        const { filter } = compileSeccomp({ defaultAction: 'SCMP_ACT_KILL_PROCESS', architectures: [abi.scmp], syscalls }, 'x86_64')
        const allowed = new Set(chosen.map((name) => abi.numbers[name]))
        const newest = Math.max(...chosen.map((name) => abi.numbers[name] ?? 0))
        for (let nr = 0; nr <= newest; nr++) {
          const got = interpret(filter, { nr: nr + abi.marker, arch: abi.audit, args: [0n, 0n, 0n, 0n, 0n, 0n] })
          assert.equal(got, allowed.has(nr) ? ALLOW : 0x8000_0000, `${abi.scmp} ${nr}`)
        }
      }),
      { numRuns: 30 },
    )
  }
})

void test('a call newer than any that the profile names fails with ENOSYS', () => {
  const syscalls = allowing('read', 'openat2')
  assert.equal(verdict({ syscalls }, 436), ERRNO | 1)
  assert.equal(verdict({ syscalls }, 437), ALLOW)
  assert.equal(verdict({ syscalls }, 438), ERRNO | 38)
  assert.equal(verdict({ syscalls }, 0x3fff_ffff), ERRNO | 38)
  assert.equal(verdict({ syscalls, defaultAction: 'SCMP_ACT_KILL_PROCESS' }, 438), ERRNO | 38)
})

void test('a profile that lets unknown calls through lets newer ones through', () => {
  const syscalls = [{ names: ['mount'], action: 'SCMP_ACT_ERRNO' }]
  assert.equal(verdict({ syscalls, defaultAction: 'SCMP_ACT_ALLOW' }, 469), ALLOW)
  assert.equal(verdict({ syscalls, defaultAction: 'SCMP_ACT_LOG' }, 469), 0x7ffc_0000)
})

void test('private calls of arm do not make everything below them known', () => {
  const seccomp = { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_ARM'], syscalls: allowing('read', 'set_tls') }
  const { filter } = compileSeccomp(seccomp, 'aarch64')
  const run = (nr: number): number => interpret(filter, { nr, arch: 0x4000_0028, args: [0n, 0n, 0n, 0n, 0n, 0n] })
  assert.deepEqual([3, 4, 0xf_0005, 0xf_0006].map(run), [ALLOW, ERRNO | 38, ALLOW, ERRNO | 38])
})

void test('names that an architecture lacks are skipped, names that nobody knows too', () => {
  assert.equal(verdict({ syscalls: allowing('stime', 'riscv_hwprobe', 'no_such_call', '__proto__', 'write') }, 1), ALLOW)
})

void test('a rule without conditions beats rules with conditions', () => {
  const syscalls = [
    { names: ['ioctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 5, args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }] },
    { names: ['ioctl'], action: 'SCMP_ACT_ALLOW' },
  ]
  assert.equal(verdict({ syscalls }, ioctl, [1n]), ALLOW)
})

void test('the first of several conditional rules that hold counts', () => {
  const args = [{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }]
  const syscalls = [
    { names: ['ioctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 5, args },
    { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args },
  ]
  assert.equal(verdict({ syscalls }, ioctl, [1n]), ERRNO | 5)
})

void test('two conditions on one argument are alternatives', () => {
  const args = [2, 7].map((value) => ({ index: 0, op: 'SCMP_CMP_EQ', value }))
  const syscalls = [{ names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args }]
  assert.deepEqual([2n, 7n, 3n].map((argument) => verdict({ syscalls }, ioctl, [argument])), [ALLOW, ALLOW, ERRNO | 1])
})

void test('a chain longer than a conditional jump reaches still gives the right verdict', () => {
  const syscalls = Array.from({ length: 400 }, (_, value) => ({
    names: ['ioctl'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: 100 + value,
    args: [{ index: 0, op: 'SCMP_CMP_EQ', value }],
  }))
  for (const value of [0, 1, 199, 254, 255, 256, 399]) {
    assert.equal(verdict({ syscalls: [...syscalls, ...allowing('read')] }, ioctl, [BigInt(value)]), ERRNO | (100 + value))
  }
  assert.equal(verdict({ syscalls: [...syscalls, ...allowing('read')] }, 0), ALLOW)
  assert.equal(verdict({ syscalls: [...syscalls, ...allowing('read')] }, ioctl, [400n]), ERRNO | 1)
})

void test('a profile that the kernel would refuse for its length is refused with its length', () => {
  const syscalls = Array.from({ length: 1200 }, (_, value) => ({
    names: ['ioctl'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, op: 'SCMP_CMP_EQ', value }],
  }))
  assert.throws(() => verdict({ syscalls }, 0), /cannot compile seccomp profile: \d+ instructions, the kernel takes 4096/)
})

void test('what Linux does not have is refused by name', () => {
  assert.throws(() => verdict({ defaultAction: 'SCMP_ACT_SHRUG' }, 0), /unknown action "SCMP_ACT_SHRUG"/)
  assert.throws(() => verdict({ syscalls: ioctlWhere({ index: 0, op: 'SCMP_CMP_ABOUT', value: 0 }) }, 0), /unknown operator "SCMP_CMP_ABOUT"/)
  assert.throws(() => verdict({ syscalls: ioctlWhere({ index: 6, op: 'SCMP_CMP_EQ', value: 0 }) }, 0), /invalid argument index 6/)
  assert.throws(() => verdict({ architectures: ['x86'] }, 0), /unknown architecture "x86"/)
  assert.throws(() => verdict({ flags: ['SECCOMP_FILTER_FLAG_FAST'] }, 0), /unknown flag "SECCOMP_FILTER_FLAG_FAST"/)
})

void test('flags are those of seccomp(2)', () => {
  const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']
  assert.equal(compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', flags }, 'x86_64').flags, 6)
})
