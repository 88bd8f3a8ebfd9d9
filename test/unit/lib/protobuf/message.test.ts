import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bool, bytes, bytesMap, int, int64, message, nested, nestedMap, repeated, string, stringList, stringMap, timestamp } from '../../../../src/lib/protobuf/message.ts'

const inner = message({ line: int(1), text: string(2) })
const all = message({
  text: string(1),
  data: bytes(2),
  flag: bool(3),
  size: int(4),
  time: int64(5),
  words: stringList(6),
  one: nested(7, inner),
  many: repeated(8, inner),
  attributes: stringMap(9),
  blobs: bytesMap(10),
  named: nestedMap(11, inner),
  at: timestamp(12),
})

void test('what the encoding guide shows is what is written', () => {
  assert.equal(message({ a: int(1) }).encode({ a: 150 }).toString('hex'), '089601')
  assert.equal(message({ b: string(2) }).encode({ b: 'testing' }).toString('hex'), '120774657374696e67')
  assert.equal(message({ c: nested(3, message({ a: int(1) })) }).encode({ c: { a: 150 } }).toString('hex'), '1a03089601')
  assert.equal(message({ a: int(1) }).encode({ a: -2 }).toString('hex'), '08feffffffffffffffff01')
})

void test('defaults are not written, and read back', () => {
  assert.equal(all.encode({ text: '', size: 0, flag: false, words: [], attributes: {}, time: 0n }).length, 0)
  const empty = all.decode(new Uint8Array(0))
  assert.equal(empty.text, '')
  assert.equal(empty.one, undefined)
  assert.equal(empty.at, undefined)
  assert.deepEqual(empty.words, [])
})

const map = <T>(value: fc.Arbitrary<T>) => fc.dictionary(fc.string(), value, { noNullPrototype: true })

void test('whatever is written is read', () => {
  const innerValue = fc.record({ line: fc.integer(), text: fc.string() }, { noNullPrototype: true })
  const value = fc.record({
    text: fc.string({ unit: 'grapheme' }),
    data: fc.uint8Array(),
    flag: fc.boolean(),
    size: fc.maxSafeInteger(),
    time: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    words: fc.array(fc.string()),
    one: fc.option(innerValue, { nil: undefined }),
    many: fc.array(innerValue),
    attributes: map(fc.string()),
    blobs: map(fc.uint8Array()),
    named: map(innerValue),
    at: fc.option(fc.integer({ min: -1e12, max: 4e12 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(value, (given) => {
      const plain = (read: typeof given) => ({ ...read, data: [...read.data], attributes: { ...read.attributes }, named: { ...read.named }, blobs: Object.entries(read.blobs).map(([name, blob]) => [name, [...blob]]) })
      assert.deepEqual(plain(all.decode(all.encode(given)) as typeof given), plain(given))
    }),
  )
})

void test('fields that are not known, and known ones of another type, are skipped', () => {
  const newer = message({ text: string(1), more: nested(99, inner), number: int(100), size: string(4) })
  assert.equal(all.decode(newer.encode({ text: 'x', more: { line: 7, text: 'y' }, number: 8, size: 'big' })).text, 'x')
  assert.equal(all.decode(Buffer.from('0a0178fd0600000000f9060000000000000000', 'hex')).text, 'x')
})

void test('bytes of strangers are read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        all.decode(noise)
      } catch (error) {
        assert.match(String(error), /cannot decode message/)
      }
    }),
  )
  assert.throws(() => all.decode(Buffer.from('0aff01', 'hex')), /cannot decode message: unexpected end/)
  assert.throws(() => all.decode(Buffer.from('20ffffffffffffffffffffff', 'hex')), /more than 64 bits/)
})

void test('a map key cannot reach a prototype', () => {
  const read = all.decode(all.encode({ attributes: JSON.parse('{"__proto__":"x"}') as Record<string, string> }))
  assert.equal(read.attributes['__proto__'], 'x')
  assert.equal(({} as Record<string, unknown>)['x'], undefined)
})
