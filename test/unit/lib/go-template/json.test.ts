import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { encodeJson, indentJson, parseJson } from '../../../../src/lib/go-template/json.ts'
import { typedNil, type Value } from '../../../../src/lib/go-template/value.ts'

void test('what is parsed is encoded to the same JSON', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), (json) => {
      assert.deepEqual(JSON.parse(encodeJson(parseJson(json))), JSON.parse(json))
    }),
  )
})

void test('indenting changes nothing but blanks', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(indentJson(JSON.stringify(value), '    '), JSON.stringify(value, null, 4))
    }),
  )
})

void test('integers beyond 2^53 keep every digit', () => {
  assert.equal(encodeJson(parseJson('{"Memory":9223372036854771712}')), '{"Memory":9223372036854771712}')
  assert.equal(indentJson('[9223372036854771712]', '  '), '[\n  9223372036854771712\n]')
})

void test('only the escaping encoder touches <, > and &', () => {
  assert.equal(encodeJson('<none>&'), '"<none>&"')
  assert.equal(encodeJson('<none>&', { escapeHtml: true }), String.raw`"\u003cnone\u003e\u0026"`)
})

void test('a typed nil is null', () => {
  assert.equal(encodeJson({ Env: typedNil([]), Cmd: [] } as Value), '{"Env":null,"Cmd":[]}')
})
