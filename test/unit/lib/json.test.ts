import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, stringifyJson } from '../../../src/lib/json.ts'

test('64-bit integers survive the way through text', () => {
  const value = { limit: 18446744073709551615n, list: [1, -9223372036854775808n, 1.5, '12345678901234567890'] }
  const text = stringifyJson(value)
  assert.equal(text, '{"limit":18446744073709551615,"list":[1,-9223372036854775808,1.5,"12345678901234567890"]}')
  assert.deepEqual(parseJson(text), value)
})

test('a double beyond the safe integers that is written with an exponent stays a number', () => {
  assert.deepEqual(parseJson('[1e300, 1]'), [1e300, 1])
})
