import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OciIdMapping, OciSpec } from '../../../src/runc/spec.ts'
import { validateSpec } from '../../../src/runc/validate.ts'
import { sampleSpec } from './sample-spec.ts'

const wrong: [field: string, change: (spec: OciSpec) => void][] = [
  ['ociVersion', (spec) => void (spec.ociVersion = '2.0')],
  ['process', (spec) => void delete spec.process],
  ['root', (spec) => void delete spec.root],
  ['process.args', (spec) => void (spec.process!.args = [])],
  ['process.args[0]', (spec) => void (spec.process!.args = ['a\0b'])],
  ['process.env[0]', (spec) => void (spec.process!.env = ['A=\0'])],
  ['process.cwd', (spec) => void (spec.process!.cwd = 'relative')],
  ['process.user.uid', (spec) => void (spec.process!.user.uid = -1)],
  ['process.rlimits[0].type', (spec) => void (spec.process!.rlimits = [{ type: 'RLIMIT_X', soft: 1, hard: 1 }])],
  ['process.rlimits', (spec) => void (spec.process!.rlimits = [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }])],
  ['process.oomScoreAdj', (spec) => void (spec.process!.oomScoreAdj = 1001)],
  ['mounts[0].destination', (spec) => void (spec.mounts![0]!.destination = 'proc')],
  ['mounts[0].destination', (spec) => void (spec.mounts![0]!.destination = '/a/..')],
  ['mounts[1].type', (spec) => void delete spec.mounts![1]!.type],
  ['mounts[7].source', (spec) => void spec.mounts!.push({ destination: '/x', type: 'bind', source: 'x' })],
  ['linux.namespaces', (spec) => void (spec.linux!.namespaces = [])],
  ['linux.namespaces', (spec) => void spec.linux!.namespaces!.push({ type: 'pid' })],
  ['hostname', (spec) => void (spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'uts'))],
  ['linux.sysctl', (spec) => void (spec.linux!.sysctl = { 'kernel.core_pattern': '|/x' })],
  ['linux.sysctl', (spec) => void (spec.linux!.sysctl = { 'net/../kernel/core_pattern': '|/x' })],
  ['linux.maskedPaths', (spec) => void (spec.linux!.maskedPaths = ['proc'])],
  ['linux.devices', (spec) => void (spec.linux!.devices = [{ path: '/etc/x', type: 'c', major: 1, minor: 1 }])],
  ['linux.rootfsPropagation', (spec) => void (spec.linux!.rootfsPropagation = 'loud')],
  ['linux.uidMappings', (spec) => void spec.linux!.namespaces!.push({ type: 'user' })],
  ['linux.uidMappings', (spec) => void (spec.linux!.uidMappings = [{ containerID: 0, hostID: 1, size: 1 }])],
  ['linux.gidMappings', (spec) => withMaps(spec, [{ containerID: 0, hostID: 1, size: 1 }], [{ containerID: 0, hostID: 1, size: 2 }, { containerID: 1, hostID: 9, size: 1 }])],
  ['process.user.uid', (spec) => withMaps(spec, [{ containerID: 1, hostID: 1, size: 1 }], [{ containerID: 0, hostID: 1, size: 1 }])],
  ['hooks.prestart[0].path', (spec) => void (spec.hooks = { prestart: [{ path: 'x' }] })],
  ['hooks.poststop[0].timeout', (spec) => void (spec.hooks = { poststop: [{ path: '/x', timeout: 0 }] })],
  ['process.scheduler.priority', (spec) => void (spec.process!.scheduler = { policy: 'SCHED_FIFO' })],
  ['process.scheduler.runtime', (spec) => void (spec.process!.scheduler = { policy: 'SCHED_OTHER', runtime: 5 })],
  ['process.ioPriority.class', (spec) => void (spec.process!.ioPriority = { class: 'HIGH', priority: 1 })],
  ['process.execCPUAffinity.final', (spec) => void (spec.process!.execCPUAffinity = { final: '3-1' })],
  ['mounts[0].uidMappings', (spec) => void (spec.mounts![0]!.options = ['idmap'])],
  ['mounts[0].options', (spec) => void (spec.mounts![0]!.options = ['tmpcopyup'])],
  ['linux.seccomp.listenerPath', (spec) => void (spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] })],
  ['linux.seccomp.syscalls[0].action', (spec) => void (spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_X' }] })],
  ['linux.seccomp.flags[0]', (spec) => void (spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', flags: ['X'] })],
  ['linux.timeOffsets', (spec) => void (spec.linux!.timeOffsets = { boottime: { secs: 1, nanosecs: 0 } })],
  ['linux.netDevices', (spec) => void Object.assign(spec.linux!, { namespaces: [{ type: 'mount' }], netDevices: { eth5: {} }, }, delete spec.hostname)],
  ['linux.memoryPolicy.nodes', (spec) => void (spec.linux!.memoryPolicy = { mode: 'MPOL_BIND' })],
  ['linux.intelRdt.closID', (spec) => void (spec.linux!.intelRdt = { closID: '../x' })],
  ['linux.personality.domain', (spec) => void (spec.linux!.personality = { domain: 'SOLARIS' })],
]

function withMaps(spec: OciSpec, uidMappings: OciIdMapping[], gidMappings: OciIdMapping[]): void {
  spec.linux!.namespaces!.push({ type: 'user' })
  Object.assign(spec.linux!, { uidMappings, gidMappings })
}

describe('a specification', () => {
  test('that is right passes', () => {
    assert.equal(validateSpec(sampleSpec('/r')).root.path, '/r')
  })

  for (const [field, change] of wrong) {
    test(`with ${change.toString().replace(/^.*void \(?/, '').slice(0, 70)} is refused, naming ${field}`, () => {
      const spec = sampleSpec('/r')
      change(spec)
      assert.throws(() => validateSpec(spec), (error: { kind: string; message: string }) => error.kind === 'InvalidParameter' && error.message.startsWith(`cannot use specification: ${field}: `))
    })
  }
})
