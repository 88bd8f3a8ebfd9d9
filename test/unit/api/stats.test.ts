import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import type { StatsOptions } from '../../../src/engine/engine.ts'
import type { ContainerStats } from '../../../src/engine/types/container-stats.ts'
import type { HostConfig } from '../../../src/engine/types/host-config.ts'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

void test('stats are a stream unless asked otherwise', async (t) => {
  const modes: string[] = []
  const stats = async (_ref: string, { mode }: StatsOptions): Promise<AsyncIterable<ContainerStats>> => {
    modes.push(mode)
    return (async function* () {
      yield { name: '/c', pids_stats: { limit: 0xffff_ffff_ffff_ffffn } } as ContainerStats
    })()
  }
  const api = await serve(t, fakeEngine({ containers: { stats } }))
  const reply = await api.request('GET', '/containers/c/stats')
  assert.equal(reply.body, '{"name":"/c","pids_stats":{"limit":18446744073709551615}}\n')
  await api.request('GET', '/containers/c/stats?stream=false')
  await api.request('GET', '/containers/c/stats?stream=0&one-shot=1')
  await api.request('GET', '/v1.40/containers/c/stats?stream=0&one-shot=1')
  assert.deepEqual(modes, ['stream', 'single', 'one-shot', 'single'])
  const both = await api.request('GET', '/containers/c/stats?one-shot=true')
  assert.deepEqual([both.status, both.document()], [400, { message: 'cannot have stream=true and one-shot=true' }])
})

void test('a wait that its client has abandoned is dropped without a complaint', async (t) => {
  const dropped = Promise.withResolvers<void>()
  const wait = (_ref: string, _condition: string, registered: () => void, signal?: AbortSignal): Promise<never> => {
    registered()
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error)
        dropped.resolve()
      })
    })
  }
  const api = await serve(t, fakeEngine({ containers: { wait } }))
  const outgoing = request({ socketPath: api.socketPath, method: 'POST', path: '/containers/c/wait', agent: false })
  outgoing.on('error', () => {})
  outgoing.end()
  await once(outgoing, 'response')
  outgoing.destroy()
  await dropped.promise
  assert.deepEqual(api.failures, [])
})

void test('an update hands on what was set; old clients cannot limit processes', async (t) => {
  const asked: HostConfig[] = []
  const update = async (_ref: string, change: HostConfig): Promise<{ Warnings: null }> => {
    asked.push(change)
    return { Warnings: null }
  }
  const api = await serve(t, fakeEngine({ containers: { update } }))
  const body = JSON.stringify({ Memory: 5, PidsLimit: -3, RestartPolicy: { Name: 'always' } })
  const reply = await api.request('POST', '/containers/c/update', { body })
  assert.deepEqual([reply.status, reply.document()], [200, { Warnings: null }])
  await api.request('POST', '/v1.39/containers/c/update', { body: '{"PidsLimit":5,"CpuShares":2}' })
  assert.deepEqual(asked, [{ Memory: 5, PidsLimit: 0, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }, { CpuShares: 2 }])
  assert.equal((await api.request('POST', '/containers/c/update')).status, 400)
  const wrong = await api.request('POST', '/containers/c/update', { body: '{"Memory":"x"}' })
  assert.deepEqual(wrong.document(), { message: 'invalid JSON: json: cannot unmarshal string into Go struct field UpdateConfig.Memory of type int64' })
})
