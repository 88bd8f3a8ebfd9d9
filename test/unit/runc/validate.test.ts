import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { validateSpec } from '../../../src/runc/validate.ts'
import { sampleSpec } from './sample-spec.ts'

const wrong: [field: string, change: (spec: OciSpec) => void][] = [
  ['ociVersion', (spec) => void (spec.ociVersion = '2.0')],
  ['process', (spec) => void delete spec.process],
  ['root.path', (spec) => void delete spec.root],
  ['process.args', (spec) => void (spec.process!.args = [])],
  ['process.args', (spec) => void (spec.process!.args = ['a\0b'])],
  ['process.env', (spec) => void (spec.process!.env = ['A=\0'])],
  ['process.cwd', (spec) => void (spec.process!.cwd = 'relative')],
  ['process.user', (spec) => void (spec.process!.user.uid = -1)],
  ['process.rlimits', (spec) => void (spec.process!.rlimits = [{ type: 'RLIMIT_X', soft: 1, hard: 1 }])],
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
]

const missing: [field: string, change: (spec: OciSpec) => void][] = [
  ['hooks.poststart', (spec) => void (spec.hooks = { poststart: [{ path: '/x' }] })],
  ['linux.namespaces: user', (spec) => void spec.linux!.namespaces!.push({ type: 'user' })],
  ['process.apparmorProfile', (spec) => void (spec.process!.apparmorProfile = 'docker-default')],
  ['mount option tmpcopyup', (spec) => void spec.mounts![1]!.options!.push('tmpcopyup')],
]

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

  for (const [field, change] of missing) {
    test(`that asks for ${field} is told that it is not implemented`, () => {
      const spec = sampleSpec('/r')
      change(spec)
      assert.throws(() => validateSpec(spec), (error: { kind: string; message: string }) => error.kind === 'NotImplemented' && error.message.includes(field))
    })
  }
})
