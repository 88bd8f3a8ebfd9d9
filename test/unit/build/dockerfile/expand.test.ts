import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { expandWord, expandWords } from '../../../../src/build/dockerfile/expand.ts'

const values: Record<string, string> = { NAME: 'hello', EMPTY: '', PATH: '/usr/bin:/bin', FILE: 'dir/archive.tar.gz', TWO: 'a b', _1x: 'odd' }
const expansion = { escape: '\\', variables: (name: string) => values[name] }
const expand = (text: string) => expandWord(text, expansion)

void test('variables are replaced as the reference says', () => {
  const cases: [string, string][] = [
    ['$NAME', 'hello'], ['${NAME}', 'hello'], ['x${NAME}y', 'xhelloy'], ['$NAME-x', 'hello-x'], ['$NAMEx', ''], ['$', '$'], ['a$', 'a$'], ['$_1x', 'odd'],
    ['${UNSET:-word}', 'word'], ['${EMPTY:-word}', 'word'], ['${EMPTY-word}', ''], ['${UNSET-word}', 'word'], ['${NAME:-word}', 'hello'],
    ['${NAME:+word}', 'word'], ['${EMPTY:+word}', ''], ['${EMPTY+word}', 'word'], ['${UNSET+word}', ''],
    ['${UNSET:-${NAME}}', 'hello'], ['${UNSET:-a${UNSET:-b}c}', 'abc'],
    ['${FILE#*/}', 'archive.tar.gz'], ['${FILE%.*}', 'dir/archive.tar'], ['${FILE%%.*}', 'dir/archive'], ['${FILE##*a}', 'r.gz'], ['${FILE#*a}', 'rchive.tar.gz'],
    ['${NAME/l/L}', 'heLlo'], ['${NAME//l/L}', 'heLLo'], ['${NAME/l*/p}', 'hep'], ['${NAME/x/y}', 'hello'], ['${NAME//?/-}', '-----'],
    [String.raw`\$NAME`, '$NAME'], [String.raw`"\$NAME"`, '$NAME'], ["'$NAME'", '$NAME'], ['"$NAME"', 'hello'], [`"a'b"`, `a'b`], [String.raw`a\ b`, 'a b'],
    [String.raw`"a\b"`, String.raw`a\b`], [String.raw`'a\b'`, String.raw`a\b`], ['"${TWO}"', 'a b'],
  ]
  for (const [text, expected] of cases) assert.equal(expand(text), expected, text)
})

void test('words split at blanks outside quotes, and at those of a variable', () => {
  assert.deepEqual(expandWords(`a "b c" 'd e' f\\ g $TWO "$TWO" ''`, expansion), ['a', 'b c', 'd e', 'f g', 'a', 'b', 'a b', ''])
  assert.deepEqual(expandWords('$UNSET $EMPTY', expansion), [])
})

void test('what cannot be replaced is refused with the reason', () => {
  assert.throws(() => expand('${UNSET:?is missing}'), /UNSET: is missing/)
  assert.throws(() => expand('${EMPTY:?}'), /EMPTY: not allowed to be unset/)
  assert.throws(() => expand('${NAME:xword}'), /unsupported modifier \(x\) in substitution/)
  assert.throws(() => expand('${NAME!}'), /unsupported modifier/)
  assert.throws(() => expand('${NAME'), /missing '}'/)
  assert.throws(() => expand('"open'), /matching double-quote/)
  assert.throws(() => expand("'open"), /matching single-quote/)
})

void test('names that are not set are told', () => {
  const unset: string[] = []
  expandWord('$A ${B} ${C:-d} $NAME', { ...expansion, unset: (name) => unset.push(name) })
  assert.deepEqual(unset, ['A', 'B'])
})

void test('a text without special characters stays as it is', () => {
  fc.assert(fc.property(fc.stringMatching(/^[^$\\"']*$/), (text) => expand(text) === text))
})

void test('any text is expanded or refused, never worse', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', ':', '-', '+', '?', '#', '%', '/', '*', '\\', '"', "'", 'A', ' ') }), (text) => {
      try {
        return typeof expand(text) === 'string'
      } catch (error) {
        return error instanceof Error && error.message !== '' && !(error instanceof TypeError) && !(error instanceof RangeError)
      }
    }),
    { numRuns: 2000 },
  )
})
