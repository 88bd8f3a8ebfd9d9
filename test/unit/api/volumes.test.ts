import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CreateContainer, CreateVolume, VolumeInfo } from '../../../src/engine/engine.ts'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

const info: VolumeInfo = { CreatedAt: '2026-01-01T00:00:00Z', Driver: 'local', Labels: null, Mountpoint: '/v/data/_data', Name: 'data', Options: null, Scope: 'local' }

void test('volumes are made, listed, inspected and removed', async (t) => {
  const calls: unknown[] = []
  const created: CreateVolume[] = []
  const volumes = {
    create: async (request: CreateVolume) => {
      created.push(request)
      return info
    },
    list: async (filters: ReadonlyMap<string, ReadonlySet<string>>) => {
      calls.push([...filters].map(([key, values]) => [key, ...values]))
      return { Volumes: [info], Warnings: null }
    },
    remove: async (name: string, options: { force: boolean }) => void calls.push([name, options.force]),
  }
  const api = await serve(t, fakeEngine({ volumes }))
  const made = await api.request('POST', '/v1.51/volumes/create', { body: '{"name":"data","Driver":"local","DriverOpts":{"type":"tmpfs"},"Labels":null,"ClusterVolumeSpec":null}' })
  assert.deepEqual([made.status, made.document()], [201, info])
  assert.deepEqual(created, [{ Name: 'data', Driver: 'local', DriverOpts: { type: 'tmpfs' } }])
  assert.deepEqual((await api.request('GET', `/volumes?filters=${encodeURIComponent('{"dangling":{"true":true},"label":["a"]}')}`)).document(), { Volumes: [info], Warnings: null })
  assert.equal((await api.request('DELETE', '/volumes/data?force=1')).status, 204)
  assert.deepEqual(calls, [[['dangling', 'true'], ['label', 'a']], ['data', true]])
  const missing = await api.request('GET', '/volumes/none')
  assert.deepEqual([missing.status, missing.document()], [404, { message: 'get none: no such volume' }])
  const update = await api.request('PUT', '/v1.51/volumes/data?version=1', { body: '{}' })
  assert.deepEqual([update.status, update.document()], [503, { message: 'volume update only valid for cluster volumes, but swarm is unavailable' }])
})

void test('older clients prune every volume that nobody uses', async (t) => {
  const asked: string[][] = []
  const prune = async (filters: ReadonlyMap<string, ReadonlySet<string>>) => {
    asked.push([...(filters.get('all') ?? [])])
    return { VolumesDeleted: [], SpaceReclaimed: 0 }
  }
  const api = await serve(t, fakeEngine({ volumes: { prune } }))
  assert.deepEqual((await api.request('POST', '/v1.41/volumes/prune')).document(), { VolumesDeleted: null, SpaceReclaimed: 0 })
  await api.request('POST', '/v1.42/volumes/prune')
  assert.deepEqual(asked, [['true'], []])
})

void test('what a mount cannot mean in an older version is ignored, or refused where that would be worse', async (t) => {
  const created: CreateContainer[] = []
  const create = async (request: CreateContainer): Promise<{ Id: string; Warnings: string[] }> => {
    created.push(request)
    return { Id: 'abc', Warnings: [] }
  }
  const api = await serve(t, fakeEngine({ containers: { create } }))
  const ask = (version: string, mount: object): ReturnType<typeof api.request> =>
    api.request('POST', `/v${version}/containers/create`, { body: JSON.stringify({ Image: 'x', HostConfig: { Mounts: [{ Target: '/t', ...mount }] } }) })
  const bind = { Type: 'bind', Source: '/s', BindOptions: { Propagation: 'slave', NonRecursive: true, CreateMountpoint: true, ReadOnlyNonRecursive: true } }
  const optionsOf = async (version: string): Promise<unknown> => {
    assert.equal((await ask(version, bind)).status, 201)
    return JSON.parse(JSON.stringify(created.at(-1)?.hostConfig.Mounts?.[0]?.BindOptions))
  }
  assert.deepEqual(await optionsOf('1.51'), bind.BindOptions)
  assert.deepEqual(await optionsOf('1.43'), { Propagation: 'slave', NonRecursive: true, CreateMountpoint: true })
  assert.deepEqual(await optionsOf('1.41'), { Propagation: 'slave', NonRecursive: true })
  const refusal = async (version: string, mount: object): Promise<unknown> => {
    const reply = await ask(version, mount)
    return [reply.status, (reply.document() as { message: string }).message]
  }
  assert.deepEqual(await refusal('1.47', { Type: 'image', Source: 'x' }), [400, 'Mount type "Image" needs API v1.48 or newer'])
  assert.deepEqual(await refusal('1.44', { Type: 'volume', Source: 'x', VolumeOptions: { Subpath: 'a' } }), [400, 'VolumeOptions.Subpath needs API v1.45 or newer'])
  assert.deepEqual(await refusal('1.43', { Type: 'bind', Source: '/x', BindOptions: { ReadOnlyForceRecursive: true } }), [400, 'BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer'])
  await ask('1.51', { Type: 'volume', Source: 'v', VolumeOptions: { NoCopy: true, Labels: { a: 'b' }, DriverConfig: { Name: 'local', Options: { type: 'tmpfs' } }, Subpath: 'x' } })
  assert.deepEqual(created.at(-1)?.hostConfig.Mounts?.[0]?.VolumeOptions, { NoCopy: true, Labels: { a: 'b' }, DriverConfig: { Name: 'local', Options: { type: 'tmpfs' } }, Subpath: 'x' })
})
