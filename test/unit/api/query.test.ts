import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Query } from '../../../src/api/query.ts'
import { GantryError } from '../../../src/lib/errors.ts'

void test('booleans are false for Docker\'s five words and true for all others', () => {
  for (const value of ['', '0', 'no', 'false', 'none', 'False', ' NONE ']) assert.equal(new Query(`a=${encodeURIComponent(value)}`).bool('a'), false, value)
  for (const value of ['1', 'true', 'yes', 'x', 'null']) assert.equal(new Query(`a=${value}`).bool('a'), true, value)
  assert.equal(new Query('').bool('a', true), true)
})

void test('filters are read from both of their forms', () => {
  const expected = new Map([['label', new Set(['a=b', 'c'])]])
  assert.deepEqual(new Query(`filters=${encodeURIComponent('{"label":{"a=b":true,"c":true}}')}`).filters(), expected)
  assert.deepEqual(new Query(`filters=${encodeURIComponent('{"label":["a=b","c"]}')}`).filters(), expected)
  assert.deepEqual(new Query('').filters(), new Map())
})

void test('a broken filter is an invalid parameter', () => {
  for (const text of ['x', '[]', '{"a":1}', '{"a":[1]}', '{"a":{"b":1}}']) {
    assert.throws(() => new Query(`filters=${encodeURIComponent(text)}`).filters(), /invalid filter/, text)
  }
})

void test('times are seconds with a fraction or dates', () => {
  assert.equal(new Query('since=1700000000.5').time('since'), 1_700_000_000_500)
  assert.equal(new Query('since=2023-11-14T22:13:20Z').time('since'), 1_700_000_000_000)
  assert.equal(new Query('since=0').time('since'), undefined)
  assert.throws(() => new Query('since=yesterday').time('since'), GantryError)
})

void test('no query text makes anything but an InvalidParameter', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('int', 'time', 'filters', 'size'), (value, kind) => {
      const query = new Query(`a=${encodeURIComponent(value)}&w=${encodeURIComponent(value)}&h=1&filters=${encodeURIComponent(value)}`)
      try {
        if (kind === 'int') query.int('a')
        else if (kind === 'time') query.time('a')
        else if (kind === 'size') query.size()
        else query.filters()
      } catch (error) {
        assert(error instanceof GantryError && error.kind === 'InvalidParameter')
      }
    }),
  )
})
