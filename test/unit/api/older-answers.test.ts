import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerFor, diskUsageFor, infoFor } from '../../../src/api/older-answers.ts'
import { imageFor } from '../../../src/api/older-images.ts'
import type { ContainerInspect } from '../../../src/engine/engine.ts'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

const info = { SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'], RegistryConfig: { Mirrors: null }, FirewallBackend: { Driver: 'nftables' }, DiscoveredDevices: [] }

void test('info has the fields that its version had', () => {
  assert.deepEqual(infoFor(51, info), info)
  const { DiscoveredDevices, ...others } = info
  assert.deepEqual(infoFor(49, info), { ...others, BridgeNfIptables: false, BridgeNfIp6tables: false })
  assert.deepEqual(infoFor(48, { ...info, RuncCommit: { ID: '1' } })['RuncCommit'], { ID: '1', Expected: '1' })
  assert.deepEqual(Object.hasOwn(infoFor(48, info), 'FirewallBackend'), false)
  assert.deepEqual(DiscoveredDevices, [])
  assert.deepEqual(infoFor(46, info)['RegistryConfig'], { AllowNondistributableArtifactsCIDRs: [], AllowNondistributableArtifactsHostnames: [], Mirrors: null })
  assert.deepEqual(infoFor(24, info)['SecurityOptions'], ['seccomp', 'cgroupns'])
})

void test('an image has the fields that its version had, also when they say nothing', () => {
  const image = { Id: 'i', Size: 5, Descriptor: {}, Config: { Cmd: ['x'] } }
  const config = { Cmd: ['x'], Entrypoint: null, Env: null, Labels: null, OnBuild: null, User: '', Volumes: null, WorkingDir: '' }
  assert.deepEqual(imageFor(51, image), { ...image, Config: config })
  const older = { Id: 'i', Size: 5, Config: { ...config, AttachStderr: false, AttachStdin: false, AttachStdout: false, Domainname: '', Hostname: '', Image: '', OpenStdin: false, StdinOnce: false, Tty: false } }
  assert.deepEqual(imageFor(49, image), { ...older, Descriptor: {} })
  assert.deepEqual(imageFor(45, image), older)
  assert.deepEqual(imageFor(43, image), { ...older, Container: '', ContainerConfig: { ...older.Config, Cmd: null }, VirtualSize: 5, Created: '0001-01-01T00:00:00Z' })
})

void test('that an image was made is told since 1.46', async (t) => {
  const engine = fakeEngine()
  const api = await serve(t, engine)
  engine.events.emit('image', 'create', { ID: 'i', Attributes: {} })
  engine.events.emit('image', 'tag', { ID: 'i', Attributes: {} })
  const told = async (version: string) => (await api.request('GET', `/v${version}/events?since=1&until=${Math.ceil(Date.now() / 1000) + 1}`)).body.trim().split('\n').map((line) => (JSON.parse(line) as { Action: string }).Action)
  assert.deepEqual(await Promise.all([told('1.45'), told('1.46')]), [['tag'], ['create', 'tag']])
})

void test('before 1.45 a container\'s own names are among its aliases, on networks that users made', () => {
  const container = { Id: 'c0ffee'.padEnd(64, '0'), Config: { Hostname: 'host' }, NetworkSettings: { Networks: { bridge: { Aliases: null }, mine: { Aliases: ['db', 'host'] } } } } as unknown as ContainerInspect
  assert.equal(containerFor(45, container), container)
  assert.deepEqual(containerFor(44, container).NetworkSettings['Networks'], { bridge: { Aliases: null }, mine: { Aliases: ['db', 'host', 'c0ffee000000'] } })
})

void test('disk usage has virtual sizes before 1.44, and one parent and a sum before 1.42', () => {
  const usage = { Images: [{ Id: 'i', Size: 5 }], BuildCache: [{ ID: 'a', Size: 2, Parents: ['p', 'q'] }, { ID: 'b', Size: 3 }] }
  assert.deepEqual(diskUsageFor(44, usage), usage)
  assert.deepEqual(diskUsageFor(43, usage), { ...usage, Images: [{ Id: 'i', Size: 5, VirtualSize: 5 }] })
  assert.deepEqual(diskUsageFor(41, usage), { Images: [{ Id: 'i', Size: 5, VirtualSize: 5 }], BuildCache: [{ ID: 'a', Size: 2, Parent: 'p' }, { ID: 'b', Size: 3, Parent: '' }], BuilderSize: 5 })
})

void test('older clients cannot name a signal to stop with, nor the size of a terminal', async (t) => {
  const asked: unknown[] = []
  const api = await serve(t, fakeEngine({
    containers: { stop: async (_ref, options) => void asked.push(options) },
    exec: {
      async create(_ref, config) {
        asked.push(config.ConsoleSize)
        return { Id: 'e' }
      },
    },
  }))
  for (const version of ['1.41', '1.42']) {
    await api.request('POST', `/v${version}/containers/c/stop?signal=HUP&t=1`)
    await api.request('POST', `/v${version}/containers/c/exec`, { body: '{"Cmd": ["x"], "ConsoleSize": [1, 2]}' })
  }
  assert.deepEqual(asked, [{ timeout: 1, signal: undefined }, undefined, { timeout: 1, signal: 'HUP' }, [1, 2]])
})
