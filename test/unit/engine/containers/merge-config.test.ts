import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandLine, mergeConfig } from '../../../../src/engine/containers/merge-config.ts'

const image = { Entrypoint: ['/entry'], Cmd: ['arg'], Env: ['PATH=/bin', 'A=image'], Labels: { a: 'image', b: 'image' }, ExposedPorts: { '80/tcp': {} }, User: 'app', WorkingDir: '/srv', StopSignal: 'SIGINT' }

test('without a command the image\'s entrypoint and command hold', () => {
  assert.deepEqual(commandLine(mergeConfig({}, image)), { path: '/entry', args: ['arg'] })
})

test('a command replaces the image\'s command, an entrypoint both', () => {
  assert.deepEqual(commandLine(mergeConfig({ Cmd: ['x'] }, image)), { path: '/entry', args: ['x'] })
  assert.deepEqual(commandLine(mergeConfig({ Entrypoint: ['/own'] }, image)), { path: '/own', args: [] })
})

test('an empty entrypoint takes the image\'s away', () => {
  assert.deepEqual(commandLine(mergeConfig({ Entrypoint: [''], Cmd: ['x'] }, image)), { path: 'x', args: [] })
  assert.equal(commandLine(mergeConfig({ Entrypoint: [''] }, image)), undefined)
})

test('environment, labels and ports are united and the request wins', () => {
  const merged = mergeConfig({ Env: ['A=own', 'B=own'], Labels: { a: 'own' }, ExposedPorts: { '53/udp': {}, '8080': {} } }, image)
  assert.deepEqual(merged.Env, ['A=own', 'B=own', 'PATH=/bin'])
  assert.deepEqual(merged.Labels, { a: 'own', b: 'image' })
  assert.deepEqual(Object.keys(merged.ExposedPorts ?? {}).toSorted(), ['53/udp', '80/tcp', '8080/tcp'])
  assert.deepEqual([merged.User, merged.WorkingDir, merged.StopSignal], ['app', '/srv', 'SIGINT'])
})
