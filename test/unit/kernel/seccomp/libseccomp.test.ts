import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { capabilityNames } from '../../../../src/kernel/capabilities.ts'
import { syscallAbis } from '../../../../src/kernel/seccomp/architecture.ts'
import { compileSeccomp } from '../../../../src/kernel/seccomp/compile.ts'
import { defaultProfile } from '../../../../src/kernel/seccomp/default-profile.ts'
import { resolveProfile } from '../../../../src/kernel/seccomp/profile.ts'
import { defaultCapabilities } from '../../../../src/engine/spec/capabilities.ts'
import type { OciSeccomp } from '../../../../src/runc/spec.ts'
import { interpret } from './bpf-interpreter.ts'
import { buildLibseccomp } from './libseccomp.ts'

const libseccomp = buildLibseccomp()
const skip = libseccomp ? false : 'libseccomp-dev or a C compiler is missing'
after(() => libseccomp?.close())

const kernel = { major: 6, minor: 18 }
const ENOSYS = 0x0005_0026

/** Values around every edge that a profile of these tests has, in either half of an argument. */
const edges = [0n, 1n, 7n, 8n, 9n, 37n, 38n, 39n, 40n, 41n, 45n, 46n, 0x2_0000n, 0x2_0008n, 0x7e02_0000n, 0x0200_0000n, 0xffff_ffffn]
const values = [...edges, ...edges.map((edge) => edge | (1n << 32n)), ...edges.map((edge) => edge | (0x7e02_0000n << 32n)), -1n]

/**
 * Verdicts of both filters for every call, on every interface, with values in each of the first three arguments: all of
 * them where the profile looks at arguments, a few elsewhere.
 */
function compare(seccomp: OciSeccomp, architecture: 'x86_64' | 'aarch64', where: readonly bigint[] = values): void {
  assert.ok(libseccomp)
  const theirs = libseccomp.compile(seccomp)
  const ours = compileSeccomp(seccomp, architecture).filter
  for (const abi of syscallAbis.filter(({ scmp }) => seccomp.architectures?.includes(scmp))) {
    const unknown = new Set([...theirs.unknown].map((name) => abi.numbers[name]))
    const named = seccomp.syscalls?.flatMap(({ names }) => names.map((name) => abi.numbers[name] ?? 0)) ?? []
    const newest = Math.max(...named.filter((number) => number < 0xf0000))
    const looked = seccomp.syscalls?.flatMap(({ names, args }) => (args ? names : [])) ?? []
    const conditional = new Set([...looked, 'socketcall', 'ipc'].map((name) => abi.numbers[name]))
    for (const number of [...Array.from({ length: 600 }, (_, index) => index), 0xf0001, 0xf0005]) {
      if (unknown.has(number)) continue
      for (const value of conditional.has(number) ? where : where.slice(-3)) {
        for (const args of [[value], [0n, value], [0n, 0n, value], [value, value, value]]) {
          const data = { nr: number + abi.marker, arch: abi.audit, args: [...args, 0n, 0n, 0n].slice(0, 6) }
          const expected = interpret(theirs.filter, data)
          const actual = interpret(ours, data)
          // Beyond the newest named call runc, not libseccomp, has the word: see compile.test.ts.
          if (actual === ENOSYS && number > newest) continue
          if (actual !== expected) {
            assert.fail(`${abi.scmp} ${number}(${args.join(', ')}): ${actual.toString(16)}, libseccomp ${expected.toString(16)}`)
          }
        }
      }
    }
  }
}

void test('the default profile gives the verdicts of libseccomp for the default capabilities', { skip }, () => {
  compare(resolveProfile(defaultProfile, { capabilities: defaultCapabilities, kernel, architecture: 'x86_64' }), 'x86_64')
})

void test('the default profile gives the verdicts of libseccomp with all capabilities', { skip }, () => {
  compare(resolveProfile(defaultProfile, { capabilities: capabilityNames, kernel, architecture: 'x86_64' }), 'x86_64')
})

void test('the default profile gives the verdicts of libseccomp on aarch64 and arm', { skip }, () => {
  compare(resolveProfile(defaultProfile, { capabilities: defaultCapabilities, kernel, architecture: 'aarch64' }), 'aarch64')
})

for (const op of ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ']) {
  void test(`operator ${op} compares as libseccomp's does`, { skip }, () => {
    const around = [0x2_0000_0001n, 0x1_ffff_ffffn, 0x2_0000_0000n, 0x2_0000_0002n, 0n, 1n, 2n, 0x3_0000_0001n, 0x1_0000_0001n, -1n]
    for (const value of [0x2_0000_0001n, 0x1n, 0x2_0000_0000n, 0xffff_ffffn, 0xffff_ffff_ffff_ffffn]) {
      compare(
        {
          defaultAction: 'SCMP_ACT_KILL_PROCESS',
          architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86'],
          syscalls: [
            { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, op: `SCMP_CMP_${op}`, value, valueTwo: 1n }] },
            { names: ['read', 'file_getattr'], action: 'SCMP_ACT_ALLOW' },
          ],
        },
        'x86_64',
        around,
      )
    }
  })
}

void test('a call that i386 can make in two ways is denied and allowed in both', { skip }, () => {
  const names = ['socket', 'accept4', 'connect', 'send', 'msgget', 'semop', 'shmctl']
  const operations = Array.from({ length: 26 }, (_, index) => BigInt(index))
  const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']
  const deny = [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: 13 }]
  compare({ defaultAction: 'SCMP_ACT_ALLOW', architectures, syscalls: deny }, 'x86_64', operations)
  const allow = [{ names: [...names, 'file_setattr'], action: 'SCMP_ACT_ALLOW' }]
  compare({ defaultAction: 'SCMP_ACT_ERRNO', architectures, syscalls: allow }, 'x86_64', operations)
  const some = [{ names: ['socket'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 16 }] }]
  compare({ defaultAction: 'SCMP_ACT_ALLOW', architectures, syscalls: some }, 'x86_64', [...operations, 0x1_0000_0010n])
})

void test('every action becomes what libseccomp makes of it', { skip }, () => {
  const actions = ['KILL', 'KILL_THREAD', 'KILL_PROCESS', 'TRAP', 'ERRNO', 'NOTIFY', 'TRACE', 'LOG']
  const names = ['read', 'write', 'open', 'close', 'stat', 'fstat', 'lstat', 'poll']
  const syscalls = actions.map((action, index) => ({
    names: [names[index] ?? ''],
    action: `SCMP_ACT_${action}`,
    ...(action === 'ERRNO' || action === 'TRACE' ? { errnoRet: 77 } : {}),
  }))
  compare({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], syscalls }, 'x86_64', [0n])
})

void test('calls of an architecture that is not listed get the verdict that libseccomp gives them', { skip }, () => {
  assert.ok(libseccomp)
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names: ['mount'], action: 'SCMP_ACT_ERRNO' }],
  }
  const theirs = libseccomp.compile(seccomp).filter
  const ours = compileSeccomp(seccomp, 'x86_64').filter
  for (const { audit, marker } of syscallAbis) {
    for (const nr of [0, 165, 0x3fff_ffff, 0x4000_0000, 0xffff_ffff]) {
      const data = { nr: nr | marker, arch: audit, args: [0n, 0n, 0n, 0n, 0n, 0n] }
      assert.equal(interpret(ours, data), interpret(theirs, data), `arch ${audit.toString(16)} nr ${nr.toString(16)}`)
    }
  }
})
