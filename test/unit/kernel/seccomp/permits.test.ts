import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compileSeccomp } from '../../../../src/kernel/seccomp/compile.ts'
import { permitsAll } from '../../../../src/kernel/seccomp/permits.ts'
import type { OciSeccomp } from '../../../../src/runc/spec.ts'
import { interpret } from './bpf-interpreter.ts'

const x86_64 = 0xc000_003e
const names = ['read', 'write', 'ioctl', 'clone', 'prctl'] as const
const numbers = [0, 1, 16, 56, 157, 300, 500]
const through = new Set([0x7fff_0000, 0x7ffc_0000])

const value = fc.constantFrom(0, 1, 2, 3, 4, 0xffff_ffff)
const condition = fc.record({
  index: fc.nat(2), value, valueTwo: value,
  op: fc.constantFrom('SCMP_CMP_EQ', 'SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_GT', 'SCMP_CMP_GE', 'SCMP_CMP_MASKED_EQ'),
})
const profile: fc.Arbitrary<OciSeccomp> = fc.record({
  defaultAction: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_LOG', 'SCMP_ACT_KILL'),
  syscalls: fc.array(fc.record({
    names: fc.subarray([...names], { minLength: 1 }), action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_LOG', 'SCMP_ACT_TRAP'), args: fc.array(condition, { maxLength: 2 }),
  }), { maxLength: 5 }),
})

function goesThrough(filter: Uint8Array, nr: number, args: readonly number[]): boolean {
  return through.has(interpret(filter, { nr, arch: x86_64, args: [...args, 0, 0, 0].map(BigInt) }))
}

test('a call with known arguments is permitted just when the filter lets it through', () => {
  fc.assert(fc.property(profile, fc.constantFrom(...numbers), fc.tuple(value, value, value), (seccomp, nr, args) => {
    const { filter } = compileSeccomp(seccomp, 'x86_64')
    assert.equal(permitsAll(seccomp, [{ nr, args: [...args, 0, 0, 0] }], 'x86_64'), goesThrough(filter, nr, args))
  }), { numRuns: 2000 })
})

test('a call with arguments that are not known is permitted only when the filter lets it through whatever they are', () => {
  fc.assert(fc.property(profile, fc.constantFrom(...numbers), fc.tuple(value, value, value), fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), (seccomp, nr, args, known) => {
    const { filter } = compileSeccomp(seccomp, 'x86_64')
    const permitted = permitsAll(seccomp, [{ nr, args: args.map((argument, index) => (known[index] ? argument : undefined)) }], 'x86_64')
    if (permitted) assert.ok(goesThrough(filter, nr, args))
  }), { numRuns: 2000 })
})

test('of several calls each has to be permitted', () => {
  const seccomp: OciSeccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] }
  assert.deepEqual([[0], [0, 1], []].map((calls) => permitsAll(seccomp, calls.map((nr) => ({ nr, args: [] })), 'x86_64')), [true, false, true])
})
