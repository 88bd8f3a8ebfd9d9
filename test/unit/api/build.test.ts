import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { ClassicBuild } from '../../../src/engine/types/builds.ts'
import type { PruneCache } from '../../../src/build/contract.ts'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

const config = (accounts: object): Record<string, string> => ({ 'X-Registry-Config': Buffer.from(JSON.stringify(accounts)).toString('base64url') })

async function asked(t: TestContext, query: string, headers: Record<string, string> = {}): Promise<ClassicBuild> {
  const requests: ClassicBuild[] = []
  const api = await serve(t, fakeEngine({ build: { classic: async (request) => void requests.push(request) } }))
  const { status, body: text } = await api.request('POST', `/build?${query}`, { headers })
  assert.equal(status, 200, text)
  return requests[0]!
}

void describe('POST /build of a client without BuildKit', () => {
  void test('everything has a default', async (t) => {
    const { id, remote, dockerfile, tags, quiet, remove, forceRemove, target, platform, buildArgs, labels, noCache, pull, run } = await asked(t, '')
    assert.deepEqual([id, remote, dockerfile, tags, quiet, remove, forceRemove, target, platform, buildArgs, labels, noCache, pull], ['', '', 'Dockerfile', [], false, true, false, undefined, undefined, {}, {}, false, false])
    assert.deepEqual(run, { network: 'default', extraHosts: [], ulimits: [] })
  })

  void test('what the stock client asks for arrives', async (t) => {
    const request = await asked(t, `t=a&t=b%3A1&dockerfile=d%2FF&q=1&nocache=1&pull=1&forcerm=1&rm=0&target=x&platform=linux%2Farm64&buildid=i&buildargs=${json({ A: 'b', C: null })}&labels=${json({ l: 'm' })}&cachefrom=${json(['c'])}`)
    const { id, dockerfile, tags, quiet, remove, forceRemove, target, platform, buildArgs, labels, noCache, pull, cacheFrom } = request
    assert.deepEqual([id, dockerfile, tags, quiet, remove, forceRemove, target, platform, buildArgs, labels, noCache, pull, cacheFrom], ['i', 'd/F', ['a', 'b:1'], true, false, true, 'x', 'linux/arm64', { A: 'b' }, { l: 'm' }, true, true, ['c']])
  })

  void test('limits arrive, and zero means none', async (t) => {
    const ulimits = [{ Name: 'nofile', Soft: 1, Hard: 2 }]
    const { run } = await asked(t, `networkmode=none&extrahosts=a%3A1.2.3.4&shmsize=5&memory=6&memswap=-1&cpushares=7&cpuperiod=8&cpuquota=9&cpusetcpus=0&cpusetmems=0-1&cgroupparent=p&ulimits=${encodeURIComponent(JSON.stringify(ulimits))}`)
    assert.deepEqual(run, { network: 'none', extraHosts: ['a:1.2.3.4'], ulimits, shmSize: 5, memory: 6, memorySwap: -1, cpuShares: 7, cpuPeriod: 8, cpuQuota: 9, cpusetCpus: '0', cpusetMems: '0-1', cgroupParent: 'p' })
    assert.equal('memory' in (await asked(t, 'memory=0')).run, false)
  })

  void test('accounts are found by the name of the registry', async (t) => {
    const { credentials } = await asked(t, '', config({ 'https://index.docker.io/v1/': { username: 'u', password: 'p' }, 'r.example.com': { auth: Buffer.from('a:b:c').toString('base64') }, 't.example.com': { identitytoken: 'tok' } }))
    assert.deepEqual(await credentials('docker.io'), { username: 'u', password: 'p' })
    assert.deepEqual(await credentials('r.example.com'), { username: 'a', password: 'b:c' })
    assert.equal((await credentials('t.example.com'))?.identityToken, 'tok')
    assert.equal(await credentials('other.example.com'), undefined)
  })

  const refusals: [query: string, message: RegExp][] = [
    ['version=9', /^invalid version 9$/],
    ['squash=1', /^squash is only supported with experimental mode$/],
    ['isolation=hyperv', /^unsupported isolation: "hyperv"$/],
    ['buildargs=%7B', /^error reading build args: /],
    ['buildargs=%5B%5D', /^error reading build args: it is no object$/],
    ['labels=%7B%22a%22%3A1%7D', /^error reading labels: a value is no string$/],
    ['ulimits=%7B%7D', /^error reading ulimit settings: /],
    ['memory=much', /invalid syntax$/],
    ['cachefrom=%7B%7D', /^error reading cache-from: it is no list of images$/],
    [`outputs=${encodeURIComponent('[{"Type":"tar"}]')}`, /the client has to use BuildKit for that$/],
  ]
  for (const [query, message] of refusals) {
    void test(`${decodeURIComponent(query)} is refused`, async (t) => {
      const api = await serve(t, fakeEngine())
      const { status, body: text } = await api.request('POST', `/build?${query}`)
      assert.equal(status, 400)
      assert.match((JSON.parse(text) as { message: string }).message, message)
    })
  }

  void test('a failure before the first message is an answer, one after it is a message', async (t) => {
    const after = { early: false }
    const api = await serve(t, fakeEngine({
      build: {
        classic: async (_request, tell) => {
          if (!after.early) tell({ stream: 'Step 1/1 : FROM x' })
          throw new Error('no more')
        },
      },
    }))
    const late = await api.request('POST', '/build')
    assert.deepEqual([late.status, late.body], [200, '{"stream":"Step 1/1 : FROM x"}\n{"errorDetail":{"message":"no more"},"error":"no more"}\n'])
    after.early = true
    const early = await api.request('POST', '/build')
    assert.deepEqual([early.status, early.body], [500, '{"message":"no more"}\n'])
  })

  void test('a cancel needs an id', async (t) => {
    const ids: string[] = []
    const api = await serve(t, fakeEngine({ build: { cancel: (id) => void ids.push(id) }, buildkit: { builds: { cancel: () => {} } as never } }))
    assert.equal((await api.request('POST', '/build/cancel?id=a')).status, 200)
    assert.equal((await api.request('POST', '/build/cancel')).status, 400)
    assert.deepEqual(ids, ['a'])
  })

  void test('a prune has its filters and its limit', async (t) => {
    const prunes: PruneCache[] = []
    const prune = async (options: PruneCache) => {
      prunes.push(options)
      return { CachesDeleted: [], SpaceReclaimed: 5 }
    }
    const api = await serve(t, fakeEngine({ build: { prune } }))
    const { body: text } = await api.request('POST', `/build/prune?all=1&keep-storage=10&filters=${encodeURIComponent('{"until":{"24h":true}}')}`)
    assert.equal(text, '{"CachesDeleted":null,"SpaceReclaimed":5}\n')
    assert.deepEqual(prunes, [{ all: true, keepStorage: 10, filters: new Map([['until', new Set(['24h'])]]) }])
  })
})

function json(value: unknown): string {
  return encodeURIComponent(JSON.stringify(value))
}
