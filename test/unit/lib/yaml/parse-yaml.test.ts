import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, constantFrom, jsonValue, property, string } from 'fast-check'
import { parseYaml } from '../../../../src/lib/yaml/parse-yaml.ts'

void test('block mappings and sequences nest, with sequences as far left as their key', () => {
  const text = `---
# generated
cdiVersion: 0.5.0
kind: "vendor.com/class" # quoted
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/null
      major: 1
      fileMode: 0666
    hooks:
      - hookName: createContainer
        args: [ldconfig, "--folder, x", 'it''s']
        env: {A: b, C: 1}
- name: all
  empty:
containerEdits:
  env:
    - URL=http://x:80/#a
    - LONG=a b
      c d
  literal: |
    first # kept
      second
  folded: >-
    one
    two
  tilde: ~
  yes: true
`
  assert.deepEqual(parseYaml(text), {
    cdiVersion: '0.5.0',
    kind: 'vendor.com/class',
    devices: [
      {
        name: '0',
        containerEdits: {
          deviceNodes: [{ path: '/dev/null', major: 1, fileMode: 0o666 }],
          hooks: [{ hookName: 'createContainer', args: ['ldconfig', '--folder, x', "it's"], env: { A: 'b', C: 1 } }],
        },
      },
      { name: 'all', empty: null },
    ],
    containerEdits: { env: ['URL=http://x:80/#a', 'LONG=a b c d'], literal: 'first # kept\n  second\n', folded: 'one two', tilde: null, yes: true },
  })
})

void test('JSON is YAML', () => {
  check(
    property(jsonValue({ maxDepth: 3 }), (value) => {
      // YAML has no word for -0, and a key "__proto__" is a key.
      const json = JSON.stringify(value)
      assert.equal(JSON.stringify(parseYaml(json)), json)
    }),
    { numRuns: 300 },
  )
})

void test('what is not supported or not YAML is refused with its line', () => {
  const bad: [string, RegExp][] = [
    ['a: &x 1', /^Error: line 1: .*anchors/],
    ['a:\n\t- b', /^Error: line 2: a tab/],
    ['a: "open', /^Error: line 1: a quote is not closed/],
    ['a: [1, 2', /^Error: line 1: a sequence is not closed/],
    ['a: 1\na: 2', /^Error: line 2: key "a" is there twice/],
    ['a: 1\n- b', /^Error: line 2: expected a key|^Error: line 2: unexpected/],
    ['a:\n    b: 1\n  c: 2', /^Error: line 3: /],
  ]
  for (const [text, expected] of bad) assert.throws(() => parseYaml(text), (error: Error) => expected.test(String(error)), text)
})

void test('no text makes it fail otherwise than with a line', () => {
  check(
    property(string({ unit: constantFrom(...Array.from('ab: -#"\'[]{}|>,\n ')), maxLength: 40 }), (text) => {
      try {
        parseYaml(text)
      } catch (error) {
        assert.match(String(error), /^Error: line \d+: /)
      }
    }),
    { numRuns: 2000 },
  )
})
