import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveBuildCache } from '../../../src/gantryd/build-cache.ts'

const rules = (gc: unknown) => resolveBuildCache(new Map([['builder', { gc }]]) as never)

void test('the build cache is cut to what Docker keeps when nothing is said', () => {
  assert.deepEqual(resolveBuildCache(new Map()), [{ all: true, filters: new Map(), keepStorage: 20_000_000_000 }])
  assert.deepEqual(rules({ enabled: true, defaultKeepStorage: '5GB' }).map(({ keepStorage }) => keepStorage), [5 * 1024 ** 3])
  assert.deepEqual(rules({ enabled: false, policy: [{ keepStorage: '1GB' }] }), [])
})

void test('rules of the policy in both forms, with the usual size where they have none', () => {
  const given = rules({ defaultReservedSpace: '1GB', policy: [{ keepStorage: '10MB', filter: ['unused-for=48h', 'type=regular'] }, { all: true, filter: { until: { '24h': true, '48h': false } } }, { maxUsedSpace: '3KB', minFreeSpace: '2KB' }] })
  assert.deepEqual(given, [
    { all: false, filters: new Map([['unused-for', new Set(['48h'])], ['type', new Set(['regular'])]]), keepStorage: 10 * 1024 ** 2 },
    { all: true, filters: new Map([['until', new Set(['24h'])]]), keepStorage: 1024 ** 3 },
    { all: false, filters: new Map(), maxUsedSpace: 3072, minFreeSpace: 2048 },
  ])
})

void test('what is wrong with a policy is named', () => {
  assert.throws(() => rules({ defaultKeepStorage: 'much' }), /invalid builder\.gc\.defaultKeepStorage "much"/)
  assert.throws(() => rules({ policy: [{ keepStorage: 5 }] }), /invalid builder\.gc\.policy\.keepStorage 5/)
  assert.throws(() => rules({ policy: [{ filter: ['x=1'] }] }), /invalid filter 'x'/)
  assert.throws(() => rules({ policy: [{ filter: ['x'] }] }), /policy\.filter "x"/)
  assert.throws(() => rules({ policy: [{ keep: '1' }] }), /policy \{"keep":"1"\}/)
  assert.throws(() => rules({ policy: 'x' }), /invalid builder\.gc\.policy "x"/)
})
