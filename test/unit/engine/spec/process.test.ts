import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilityMask } from '../../../../src/kernel/capabilities.ts'
import { defaultCapabilities, requestedCapabilities } from '../../../../src/engine/spec/capabilities.ts'
import { mergeEnvironment } from '../../../../src/engine/spec/environment.ts'
import { buildExecProcess, commandOf, processOf } from '../../../../src/engine/spec/process.ts'
import { rlimitsOf } from '../../../../src/engine/spec/rlimits.ts'
import type { ExecConfig } from '../../../../src/engine/engine.ts'
import type { OciProcess } from '../../../../src/runc/spec.ts'
import { host, input } from './spec-input.ts'

const everything = host.capabilities
const bit = (...names: string[]): bigint => capabilityMask(names)

void test('the default capabilities are the mask that the kernel shows in Docker containers', () => {
  assert.equal(requestedCapabilities({}).toString(16).padStart(16, '0'), '00000000a80425fb')
  assert.equal(requestedCapabilities({ CapAdd: null, CapDrop: [] }), capabilityMask(defaultCapabilities))
})

void test('capabilities are added and dropped by any spelling', () => {
  const standard = requestedCapabilities({})
  assert.equal(requestedCapabilities({ CapAdd: ['net_admin', 'CAP_SYS_TIME'] }), standard | bit('CAP_NET_ADMIN', 'CAP_SYS_TIME'))
  assert.equal(requestedCapabilities({ CapDrop: ['NET_RAW', 'Cap_Chown'] }), standard & ~bit('CAP_NET_RAW', 'CAP_CHOWN'))
  assert.equal(requestedCapabilities({ CapAdd: ['all'], CapDrop: ['MKNOD'] }), everything & ~bit('CAP_MKNOD'))
  assert.equal(requestedCapabilities({ CapDrop: ['ALL'] }), 0n)
  assert.equal(requestedCapabilities({ CapDrop: ['ALL'], CapAdd: ['CHOWN'] }), bit('CAP_CHOWN'))
  assert.equal(requestedCapabilities({ Privileged: true }), everything)
  assert.equal(requestedCapabilities({ Privileged: true, CapDrop: ['NET_RAW'] }), everything & ~bit('CAP_NET_RAW'))
})

void test('a capability that does not exist is refused', () => {
  assert.throws(() => requestedCapabilities({ CapAdd: ['x'] }), { message: 'invalid CapAdd: unknown capability: "CAP_X"', kind: 'InvalidParameter' })
  assert.throws(() => requestedCapabilities({ CapDrop: ['CAP_NONE'] }), { message: 'invalid CapDrop: unknown capability: "CAP_NONE"' })
})

void test('capabilities are clipped to those of the engine', () => {
  const capabilities = everything & ~bit('CAP_SYS_RESOURCE')
  const { capabilities: sets } = processOf(input({ Privileged: true }, {}, { host: { ...host, capabilities } }))
  assert.equal(capabilityMask(sets?.bounding ?? []), capabilities)
})

void test('only root has effective capabilities, everybody keeps the bounding set', () => {
  const user = { uid: 1000, gid: 1000, additionalGids: [7], home: '/home/u' }
  const { capabilities, user: ociUser } = processOf(input({}, {}, { user }))
  assert.deepEqual(capabilities, { bounding: processOf(input()).capabilities?.bounding })
  assert.deepEqual(ociUser, { uid: 1000, gid: 1000, additionalGids: [7] })
  assert.deepEqual(Object.keys(processOf(input()).capabilities ?? {}), ['bounding', 'effective', 'permitted'])
})

void test('the environment has the defaults first, and the image and the user replace in place', () => {
  const config = { Hostname: 'h', Tty: true, Env: ['A=1', 'PATH=/bin', 'EMPTY=', 'A=2'] }
  assert.deepEqual(processOf(input({}, config)).env, ['PATH=/bin', 'HOSTNAME=h', 'TERM=xterm', 'A=2', 'EMPTY=', 'HOME=/root'])
  assert.deepEqual(processOf(input({}, { Env: ['HOME=/x', 'HOSTNAME'] })).env?.slice(1), ['HOME=/x'])
})

void test('a value may hold an equals sign', () => {
  assert.deepEqual(mergeEnvironment(['A=b=c'], ['B==']), ['A=b=c', 'B=='])
})

void test('the command is the entry point and its arguments', () => {
  assert.deepEqual(commandOf({ Entrypoint: ['a'], Cmd: ['b'] }), ['a', 'b'])
  assert.throws(() => commandOf({ Entrypoint: null, Cmd: [] }), { message: 'no command specified', kind: 'InvalidParameter' })
})

void test('limits become rlimits, -1 no limit', () => {
  assert.deepEqual(rlimitsOf([{ Name: 'nofile', Soft: 1, Hard: 2 }, { Name: 'core', Soft: -1, Hard: -1 }]), [
    { type: 'RLIMIT_NOFILE', soft: 1, hard: 2 },
    { type: 'RLIMIT_CORE', soft: 0xffff_ffff_ffff_ffffn, hard: 0xffff_ffff_ffff_ffffn },
  ])
  assert.throws(() => rlimitsOf([{ Name: 'x', Soft: 1, Hard: 1 }]), /invalid ulimit type: x/)
  assert.throws(() => rlimitsOf([{ Name: 'nofile', Soft: 2, Hard: 1 }]), /ulimit soft limit must be less than or equal to hard limit: 2 > 1/)
  assert.throws(() => rlimitsOf([{ Name: 'nofile', Soft: -1, Hard: 1 }]), /soft limit/)
})

void test('a directory, a terminal and its size come from the configuration', () => {
  const process = processOf(input({ ConsoleSize: [24, 80], OomScoreAdj: 5, SecurityOpt: ['no-new-privileges'] }, { Tty: true, WorkingDir: '/srv' }))
  assert.deepEqual(process.consoleSize, { height: 24, width: 80 })
  assert.deepEqual([process.cwd, process.terminal, process.oomScoreAdj, process.noNewPrivileges], ['/srv', true, 5, true])
  assert.equal(processOf(input({ ConsoleSize: [24, 80] })).consoleSize, undefined)
  assert.equal(processOf(input()).cwd, '/')
})

function exec(config: ExecConfig, uid = 0): OciProcess {
  const given = input({ Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }] }, { Env: ['A=1'], WorkingDir: '/srv' })
  const user = { uid, gid: uid, additionalGids: [], home: uid === 0 ? '/root' : '/home/u' }
  return buildExecProcess({ exec: { Cmd: ['id'], ...config }, config: given.config, container: processOf(given), user, hostCapabilities: everything })
}

void test("an exec has the container's environment, directory and limits", () => {
  const process = exec({})
  assert.deepEqual(process.env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=c0ffee000000', 'A=1', 'HOME=/root'])
  assert.deepEqual([process.args, process.cwd, process.rlimits?.length, process.terminal], [['id'], '/srv', 1, false])
})

void test('an exec has what it asks for instead', () => {
  const process = exec({ Env: ['A=2', 'B=3'], WorkingDir: '/tmp', User: 'u', Tty: true, ConsoleSize: [1, 2] }, 1000)
  assert.deepEqual(process.env?.slice(2), ['TERM=xterm', 'A=2', 'B=3', 'HOME=/home/u'])
  assert.deepEqual([process.cwd, process.user.uid, process.consoleSize], ['/tmp', 1000, { height: 1, width: 2 }])
  assert.deepEqual(Object.keys(process.capabilities ?? {}), ['bounding'])
})

void test('a privileged exec has all capabilities of the engine', () => {
  assert.equal(capabilityMask(exec({ Privileged: true }).capabilities?.effective ?? []), everything)
  assert.equal(capabilityMask(exec({}).capabilities?.effective ?? []), requestedCapabilities({}))
})

void test('an exec without a command is refused', () => {
  assert.throws(() => exec({ Cmd: [] }), { message: 'No exec command specified', kind: 'InvalidParameter' })
})
