import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilityNames } from '../../../../src/kernel/capabilities.ts'
import { allowedSyscalls } from '../../../../src/kernel/seccomp/allowed-syscalls.ts'
import { syscallAbis } from '../../../../src/kernel/seccomp/architecture.ts'
import { defaultProfile } from '../../../../src/kernel/seccomp/default-profile.ts'
import { type ProfileContext, parseProfile, resolveProfile } from '../../../../src/kernel/seccomp/profile.ts'

const context: ProfileContext = { capabilities: [], kernel: { major: 6, minor: 18 }, architecture: 'x86_64' }

function namesWith(rule: object, given: Partial<ProfileContext> = {}): string[] {
  const profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', ...rule }] }
  return resolveProfile(profile, { ...context, ...given }).syscalls?.flatMap(({ names }) => names) ?? []
}

function allowed(capabilities: readonly string[], architecture: 'x86_64' | 'aarch64' = 'x86_64'): Set<string> {
  const { syscalls = [] } = resolveProfile(defaultProfile, { ...context, capabilities, architecture })
  return new Set(syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args).flatMap(({ names }) => names))
}

void test('a rule counts only with all capabilities that it includes', () => {
  const includes = { caps: ['CAP_SYS_TIME', 'CAP_SYS_NICE'] }
  assert.deepEqual(namesWith({ includes }), [])
  assert.deepEqual(namesWith({ includes }, { capabilities: ['CAP_SYS_TIME'] }), [])
  assert.deepEqual(namesWith({ includes }, { capabilities: ['CAP_SYS_NICE', 'CAP_SYS_TIME'] }), ['read'])
})

void test('a rule does not count with any capability that it excludes', () => {
  const excludes = { caps: ['CAP_SYS_TIME', 'CAP_SYS_NICE'] }
  assert.deepEqual(namesWith({ excludes }), ['read'])
  assert.deepEqual(namesWith({ excludes }, { capabilities: ['CAP_SYS_NICE'] }), [])
})

void test('architectures are named as Go names them', () => {
  assert.deepEqual(namesWith({ includes: { arches: ['arm64'] } }), [])
  assert.deepEqual(namesWith({ includes: { arches: ['amd64', 'x32'] } }), ['read'])
  assert.deepEqual(namesWith({ excludes: { arches: ['amd64'] } }), [])
})

void test('a minimum kernel is compared by its numbers', () => {
  const includes = { minKernel: '4.10' }
  assert.deepEqual(namesWith({ includes }, { kernel: { major: 4, minor: 9 } }), [])
  assert.deepEqual(namesWith({ includes }, { kernel: { major: 4, minor: 10 } }), ['read'])
  assert.deepEqual(namesWith({ includes }, { kernel: { major: 5, minor: 0 } }), ['read'])
  assert.throws(() => namesWith({ includes: { minKernel: 'new' } }), /invalid kernel version "new"/)
})

void test('archMap adds the further interfaces of the machine', () => {
  const { architectures } = resolveProfile(defaultProfile, context)
  assert.deepEqual(architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
})

void test('the older form with one name a rule is read, and contradictions are refused', () => {
  assert.deepEqual(namesWith({ name: 'write', names: undefined }), ['write'])
  assert.throws(() => namesWith({ name: 'write' }), /both 'name' and 'names'/)
  const both = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'], archMap: defaultProfile.archMap }
  assert.throws(() => resolveProfile(both, context), /both 'architectures' and 'archMap'/)
})

void test('text that is no profile is refused with a reason', () => {
  for (const text of ['', '{', '[]', '{}', 'null', '{"defaultAction":1}', '{"defaultAction":"A","syscalls":{}}', '{"defaultAction":"A","syscalls":[{}]}']) {
    assert.throws(() => parseProfile(text), /^Error: Decoding seccomp profile failed: ./, text)
  }
  assert.equal(parseProfile('{"defaultAction":"SCMP_ACT_ALLOW","syscalls":null}').defaultAction, 'SCMP_ACT_ALLOW')
})

void test('one capability opens its own block and nothing else', () => {
  const plain = allowed([])
  const opened = (capability: string): string[] => [...allowed([capability])].filter((name) => !plain.has(name))
  assert.deepEqual(opened('CAP_SYS_TIME').toSorted(), ['clock_settime', 'clock_settime64', 'settimeofday', 'stime'])
  assert.deepEqual(opened('CAP_NET_ADMIN'), [])
  assert.deepEqual(opened('CAP_SYS_CHROOT'), ['chroot'])
  assert.ok(opened('CAP_SYS_ADMIN').includes('mount') && !opened('CAP_SYS_ADMIN').includes('reboot'))
})

void test('what reaches the whole machine is never allowed by default', () => {
  const never = 'kexec_load kexec_file_load swapon swapoff userfaultfd io_uring_setup keyctl add_key request_key nfsservctl pivot_root _sysctl uselib'
  const everything = allowed(capabilityNames)
  assert.deepEqual(never.split(' ').filter((name) => everything.has(name)), [])
})

void test('every name in the profile is a system call of some architecture, and none stands twice', () => {
  const known = new Set(syscallAbis.flatMap(({ numbers }) => Object.keys(numbers)))
  const names = (defaultProfile.syscalls ?? []).flatMap((rule) => rule.names ?? [])
  assert.deepEqual(names.filter((name) => !known.has(name)), [])
  assert.equal(new Set(allowedSyscalls).size, allowedSyscalls.length)
})
