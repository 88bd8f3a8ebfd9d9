import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRecords } from '../../../../src/build/cache/inline-cache.ts'

void test('of what an image says of its steps only whole records are taken', () => {
  const whole = { key: `sha256:${'a'.repeat(64)}`, layer: 1, created: 5 }
  for (const bad of [null, 1, 'x', {}, { ...whole, key: 'sha256:x' }, { ...whole, layer: -1 }, { ...whole, layer: 1.5 }, { ...whole, created: '5' }]) assert.deepEqual(readRecords([bad, whole]), [whole])
  assert.deepEqual([readRecords(undefined), readRecords({ length: 1 })], [[], []])
})
