import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listTest, pruneTest } from '../../../../src/engine/volumes/filters.ts'
import type { VolumeRecord } from '../../../../src/engine/volumes/store.ts'
import { isLocalPath } from '../../../../src/engine/volumes/subpath.ts'

const volume = (name: string, labels: Record<string, string> | null = null): VolumeRecord => ({ name, driver: 'local', createdAt: '', labels, options: null })
const filters = (given: Record<string, string[]>): Map<string, Set<string>> => new Map(Object.entries(given).map(([key, values]) => [key, new Set(values)]))

function shown(given: Record<string, string[]>): string[] {
  const wanted = listTest(filters(given))
  return [volume('one', { a: '1' }), volume('two', { a: '1', b: '' }), volume('used')].filter((each) => wanted(each, each.name === 'used' ? ['x'] : [])).map(({ name }) => name)
}

test('values of a filter are alternatives, labels and filters add up', () => {
  assert.deepEqual(shown({}), ['one', 'two', 'used'])
  assert.deepEqual(shown({ name: ['^o', 'tw'] }), ['one', 'two'])
  assert.deepEqual(shown({ name: ['('] }), [])
  assert.deepEqual(shown({ label: ['a=1', 'b'] }), ['two'])
  assert.deepEqual(shown({ 'label!': ['b'] }), ['one', 'used'])
  assert.deepEqual(shown({ dangling: ['true'] }), ['one', 'two'])
  assert.deepEqual(shown({ dangling: ['0'] }), ['used'])
  assert.deepEqual(shown({ driver: ['local', 'x'], name: ['used'] }), ['used'])
  assert.throws(() => shown({ dangling: ['maybe'] }), { kind: 'InvalidParameter', message: "invalid filter 'dangling=[maybe]'" })
  assert.throws(() => shown({ until: ['1h'] }), { message: "invalid filter 'until'" })
})

test('prune takes anonymous volumes, and with all=true every one that nobody uses', () => {
  const [named, anonymous] = [volume('named'), volume('f'.repeat(64), { 'com.docker.volume.anonymous': '' })]
  const taken = (given: Record<string, string[]>, users: string[] = []): boolean[] => [named, anonymous].map((each) => pruneTest(filters(given))(each, users))
  assert.deepEqual(taken({}), [false, true])
  assert.deepEqual(taken({ all: ['1'] }), [true, true])
  assert.deepEqual(taken({ all: ['false'] }), [false, true])
  assert.deepEqual(taken({ all: ['true'] }, ['user']), [false, false])
  assert.throws(() => taken({ name: ['x'] }), { message: "invalid filter 'name'" })
})

test('a subpath is relative and never above where it begins', () => {
  for (const path of ['a', 'a/b', './a', 'a/../b', 'a/..', '.']) assert.equal(isLocalPath(path), true, path)
  for (const path of ['', '/', '/a', '..', '../a', 'a/../..', 'a/../../b']) assert.equal(isLocalPath(path), false, path)
})
