import assert from 'node:assert/strict'
import { matchesGlob } from 'node:path/posix'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ignoreLines, IgnorePatterns } from '../../../../src/lib/patterns/ignore-patterns.ts'
import { goPattern, hasWildcard, ignorePattern } from '../../../../src/lib/patterns/pattern-syntax.ts'

/** The table of Go's path/filepath documentation and its corners. */
const matches: [pattern: string, name: string, expected: boolean | 'error'][] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'a', true],
  ['a*', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'x', true],
  ['[x\\-]', '-', true],
  ['[x\\-]', 'z', false],
  ['[]a]', ']', 'error'],
  ['[-]', '-', 'error'],
  ['[x-]', 'x', 'error'],
  ['[a-b-c]', 'a', 'error'],
  ['[', 'a', 'error'],
  ['[^', 'a', 'error'],
  ['[^bc', 'a', 'error'],
  ['a[', 'ab', 'error'],
  ['\\', 'a', 'error'],
  ['*x', 'xxx', true],
  ['', '', true],
  ['', 'a', false],
]
for (const [pattern, name, expected] of matches) {
  void test(`pattern ${JSON.stringify(pattern)} and ${JSON.stringify(name)}: ${expected}`, () => {
    if (expected === 'error') assert.throws(() => goPattern(pattern), { message: 'syntax error in pattern' })
    else assert.equal(goPattern(pattern).matches(name), expected)
  })
}

const rules: [lines: string[], name: string, ignored: boolean][] = [
  [['a'], 'a', true],
  [['a'], 'a/b', true],
  [['a'], 'ab', false],
  [['a'], 'b/a', false],
  [['/a'], 'a', true],
  [['a/'], 'a/b', true],
  [['./a'], 'a', true],
  [['x/../a'], 'a', true],
  [['*'], 'a/b', true],
  [['*/temp*'], 'd/temporary', true],
  [['*/temp*'], 'temporary', false],
  [['*/*/temp*'], 'd/e/temporary', true],
  [['temp?'], 'tempa', true],
  [['temp?'], 'temp', false],
  [['**/*.go'], 'a.go', true],
  [['**/*.go'], 'd/e/a.go', true],
  [['**'], 'a/b', true],
  [['a/**'], 'a/b/c', true],
  [['a/**'], 'ab', false],
  [['a/**/b'], 'a/b', true],
  [['a/**/b'], 'a/c/d/b', true],
  [['**/b'], 'ab', false],
  [['**b'], 'x/ab', true],
  [['a**/b'], 'ac/b', true],
  [['*.md', '!README.md'], 'README.md', false],
  [['*.md', '!README.md'], 'x.md', true],
  [['*.md', '!README*.md', 'README-secret.md'], 'README-secret.md', true],
  [['*.md', 'README-secret.md', '!README*.md'], 'README-secret.md', false],
  [['*', '!a'], 'a/b', false],
  [['*', '!a/b'], 'a/b', false],
  [['*', '!a/b'], 'a/c', true],
  [['d', '!d/e', 'd/e/f'], 'd/e/f', true],
  [['[a-c].txt'], 'b.txt', true],
  [['[^a-c].txt'], 'b.txt', false],
  [['a.txt'], 'aXtxt', false],
  [['a+(b)'], 'a+(b)', true],
  [['\\!a'], '!a', true],
  [['a b'], 'a b', true],
]
for (const [lines, name, ignored] of rules) {
  void test(`rules ${JSON.stringify(lines)} ${ignored ? 'ignore' : 'keep'} ${JSON.stringify(name)}`, () => {
    assert.equal(new IgnorePatterns(lines).ignores(name), ignored)
  })
}

void test('comments, empty lines and blanks of a .dockerignore go', () => {
  assert.deepEqual(ignoreLines('\uFEFF# note\n\n  a  \r\n!b\n #c\n'), ['a', '!b', '#c'])
  assert.throws(() => ignoreLines('a\n!\n'), /illegal exclusion pattern: "!" on line 2/)
  assert.throws(() => new IgnorePatterns(['[']), /syntax error in pattern/)
})

void test('a directory is entered when an exception may be below it', () => {
  const cases: [string[], string, boolean][] = [
    [['d', '!d/e/f'], 'd', true],
    [['d', '!d/e/f'], 'd/e', true],
    [['d', '!d/e/f'], 'd/x', false],
    [['d', '!x'], 'd', false],
    [['d', '!**/x'], 'd/e', true],
    [['d', '!*/x'], 'd', true],
    [['d', '!*/x'], 'd/e', false],
  ]
  for (const [lines, directory, expected] of cases) assert.equal(new IgnorePatterns(lines).mayKeepBelow(directory), expected, `${lines.join()} ${directory}`)
})

void test('matching takes time in proportion, whatever the pattern', () => {
  const glob = ignorePattern(`${'**/*a*'.repeat(30)}/b`)
  assert.equal(glob.matches('a'.repeat(2000)), false)
  assert.equal(goPattern(`${'*a'.repeat(40)}b`).matches('a'.repeat(2000)), false)
})

void test('patterns agree with the glob matcher of the standard library where both have the same rules', () => {
  const part = fc.stringMatching(/^[abc*?]{1,4}$/).filter((text) => !text.includes('**'))
  const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  const name = fc.array(fc.stringMatching(/^[abc]{1,4}$/), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  fc.assert(fc.property(pattern, name, (glob, text) => assert.equal(goPattern(glob).matches(text), matchesGlob(text, glob))), { numRuns: 2000 })
})

void test('a name that is escaped matches itself alone', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (name, other) => {
      const pattern = goPattern(name.replaceAll(/[*?[\\]/g, '\\$&'))
      assert.equal(pattern.matches(name), true)
      assert.equal(pattern.matches(other), name === other)
      assert.equal(hasWildcard(name.replaceAll(/[*?[\\]/g, '\\$&')), false)
    }),
  )
})

void test('what matches also may begin with each of its beginnings', () => {
  const pattern = fc.stringMatching(/^[ab*?/]{1,8}$/)
  fc.assert(
    fc.property(pattern, fc.stringMatching(/^[ab/]{0,8}$/), fc.nat(8), (glob, text, length) => {
      const compiled = ignorePattern(glob)
      if (compiled.matches(text)) assert.ok(compiled.mayBegin(text.slice(0, length)))
    }),
    { numRuns: 2000 },
  )
})
