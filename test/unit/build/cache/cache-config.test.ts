import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCacheConfig, encodeCacheConfig } from '../../../../src/build/cache/cache-config.ts'
import { bytesToKeep } from '../../../../src/build/cache/usage.ts'

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const created = Date.parse('2026-01-02T03:04:05.678Z')
const layer = { blob: digest('a'), parent: -1, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', diffId: digest('b'), size: 7, created }

void test('a cache configuration is read as it was written, in the form of BuildKit', () => {
  const config = { layers: [layer, { ...layer, blob: digest('c'), parent: 0 }], records: [{ key: digest('d'), layer: 1, created }], mounts: [{ id: '/cc', blob: digest('e') }] }
  assert.deepEqual(decodeCacheConfig(encodeCacheConfig(config)), config)
  const written = JSON.parse(encodeCacheConfig(config).toString()) as { layers: Record<string, unknown>[]; records: unknown[] }
  assert.deepEqual(written.layers[0], { blob: digest('a'), parent: -1, annotations: { mediaType: layer.mediaType, diffID: digest('b'), size: 7, createdAt: '2026-01-02T03:04:05.678Z' } })
  assert.equal('parent' in written.layers[1]!, false, 'index 0 is left out, as Go does')
  assert.deepEqual(written.records, [{ layers: [{ layer: 1, createdAt: '2026-01-02T03:04:05.678Z' }], digest: digest('d') }])
})

void test('of what strangers wrote only whole records are taken', () => {
  const whole = { layers: [{ layer: 0, createdAt: '2026-01-02T03:04:05.678Z' }], digest: digest('d') }
  const bad = [null, 1, {}, { ...whole, digest: 'sha256:x' }, { ...whole, layers: [{ layer: 5 }] }, { ...whole, layers: [{ layer: 1 }] }, { ...whole, layers: [{ layer: -1 }] }, { ...whole, layers: [] }, { ...whole, inputs: [[{ link: 0 }]] }]
  const document = { layers: [{ blob: digest('a'), annotations: { diffID: digest('b'), size: 1 } }, { blob: '../../etc/passwd', annotations: { diffID: digest('b'), size: 1 } }], records: [...bad, whole], 'gantry.cachemounts.v0': [{ id: 1 }, { id: '/cc', blob: 'x' }] }
  const { records, mounts } = decodeCacheConfig(Buffer.from(JSON.stringify(document)))
  assert.deepEqual([records, mounts], [[{ key: digest('d'), layer: 0, created }], []])
  for (const text of ['', '[', '1', 'null']) assert.throws(() => decodeCacheConfig(Buffer.from(text)), /invalid cache configuration/)
  assert.deepEqual(decodeCacheConfig(Buffer.from('{}')), { layers: [], records: [], mounts: [] })
})

void test('caps of the cache: the most that may stay, what has to be free, and what is reserved in any case', () => {
  const now = { used: 1000, free: 50 }
  assert.equal(bytesToKeep({}, now), 0, 'nothing has to stay')
  assert.equal(bytesToKeep({ keepStorage: 300 }, now), 300)
  assert.equal(bytesToKeep({ maxUsedSpace: 400 }, now), 400)
  assert.equal(bytesToKeep({ minFreeSpace: 150 }, now), 900)
  assert.equal(bytesToKeep({ minFreeSpace: 20 }, now), Infinity, 'enough is free')
  assert.equal(bytesToKeep({ maxUsedSpace: 400, minFreeSpace: 950 }, now), 100)
  assert.equal(bytesToKeep({ maxUsedSpace: 400, keepStorage: 600 }, now), 600)
  assert.equal(bytesToKeep({ minFreeSpace: 5000 }, now), 1, 'all of it goes')
})
