import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, bigInt, constantFrom, property } from 'fast-check'
import { parseVariantText } from '../../../../src/kernel/dbus/variant-text.ts'

const shown = (text: string): [string, unknown] => {
  const { signature, value } = parseVariantText(text)
  return [signature, value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value]
}

test('the text of a value has the type of its form', () => {
  const cases: [text: string, signature: string, value: unknown][] = [
    [' true ', 'b', true], ['-7', 'i', -7], ['0x1F', 'i', 31], ['010', 'i', 8], ['+1', 'i', 1], ['1.5', 'd', 1.5], ['-1e3', 'd', -1000], ['inf', 'd', Infinity],
    [`'a\\'b'`, 's', `a'b`], [String.raw`"\u00e9\n\U0001f600"`, 's', 'é\n😀'], [String.raw`b'a\101\n'`, 'ay', 'aA\n\0'],
    ['[1, 2]', 'ai', [1, 2]], ['[1, 2.5]', 'ad', [1, 2.5]], ['[1, uint64 2]', 'at', [1n, 2n]], ["[['a'], []]", 'aas', [['a'], []]],
    ["('a', 1)", '(si)', ['a', 1]], ['(1,)', '(i)', [1]], ['()', '()', []], ["{'k': <uint32 1>, 'l': <'x'>}", 'a{sv}', [['k', { signature: 'u', value: 1 }], ['l', { signature: 's', value: 'x' }]]],
    ["{'k', 1}", '{si}', ['k', 1]], ['@as []', 'as', []], ['@a(sb) [("x", false)]', 'a(sb)', [['x', false]]], ['@ay [1, 255]', 'ay', [1, 255]], ["objectpath '/a'", 'o', '/a'],
    ['uint64 18446744073709551615', 't', 18446744073709551615n], ['int64 -9223372036854775808', 'x', -9223372036854775808n], ['byte 0xff', 'y', 255], ['double 2', 'd', 2], ['<<1>>', 'v', { signature: 'v', value: { signature: 'i', value: 1 } }],
  ]
  for (const [text, signature, value] of cases) assert.deepEqual(shown(text), [signature, value], text)
})

test('what is none says why', () => {
  for (const [text, reason] of [
    ['', /ends too soon/], ['1 2', /unexpected "2" at 2/], ['[1', /ends too soon/], ['[1 2]', /unexpected "2"/], ["'a", /unexpected "'"/], ['[]', /nothing tells its type/], ["[1, 'a']", /is not of type/],
    ['byte 256', /256 is not of type y/], ['uint64 -1', /-1 is not of type t/], ['2147483648', /not of type i/], ['uint32 1.5', /not of type u/], ["uint32 'a'", /a text is not of type u/],
    ['@aa 1', /./], ['@ii 1', /not one type/], ['@(ii) (1,)', /a tuple is not of type \(ii\)/], ['constructor 1', /unknown word/], ['['.repeat(100), /nested too deeply/],
  ] as const) assert.throws(() => parseVariantText(text), reason, text)
})

test('any text is a value or an error, and whole numbers come through', () => {
  const pieces = array(constantFrom('[', ']', '{', '}', '(', ')', '<', '>', ',', ':', '@', "'", '"', '\\', ' ', 'a', 'b', 's', 'uint64 ', '0x', '1', '.', 'e', '-', "'x'", 'true'))
  check(property(pieces, (drawn) => {
    const text = drawn.join('')
    try {
      parseVariantText(text)
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof TypeError), `${text}: ${String(error)}`)
    }
  }), { numRuns: 2000 })
  check(property(bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (number) => assert.equal(parseVariantText(`int64 ${number}`).value, number)))
})
