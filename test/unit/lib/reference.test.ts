import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { GantryError } from '../../../src/lib/errors.ts'
import { familiarString, fullString, isDigest, parseAnyReference, parseReference, withDefaultTag } from '../../../src/lib/reference.ts'

const hex = 'ab'.repeat(32)

void test('short names are completed and shortened again', () => {
  const cases: [typed: string, full: string, familiar: string][] = [
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['library/foo/bar', 'docker.io/library/foo/bar', 'library/foo/bar'],
    ['me/app:x', 'docker.io/me/app:x', 'me/app:x'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/a/b:1', 'localhost:5000/a/b:1', 'localhost:5000/a/b:1'],
    ['[::1]:5000/a', '[::1]:5000/a', '[::1]:5000/a'],
    ['Host/app', 'Host/app', 'Host/app'],
    ['a.example/b__c/d.e-f', 'a.example/b__c/d.e-f', 'a.example/b__c/d.e-f'],
    [`busybox@sha256:${hex}`, `docker.io/library/busybox@sha256:${hex}`, `busybox@sha256:${hex}`],
    [`busybox:1@sha256:${hex}`, `docker.io/library/busybox:1@sha256:${hex}`, `busybox:1@sha256:${hex}`],
  ]
  for (const [typed, full, familiar] of cases) {
    assert.equal(fullString(parseReference(typed)), full)
    assert.equal(familiarString(parseReference(typed)), familiar)
  }
})

void test('bad references are refused with the words of Docker', () => {
  const cases: [typed: string, message: string][] = [
    ['', 'invalid reference format'],
    ['Foo', 'invalid reference format: repository name (library/Foo) must be lowercase'],
    ['me/Foo:Tag', 'invalid reference format: repository name (me/Foo) must be lowercase'],
    ['a b', 'invalid reference format'],
    ['a:', 'invalid reference format'],
    ['a:b:c', 'invalid reference format'],
    [':tag', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a___b', 'invalid reference format'],
    ['a/../b', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    [`a:${'t'.repeat(129)}`, 'invalid reference format'],
    ['a\n', 'invalid reference format'],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    ['x'.repeat(256), 'repository name must not be more than 255 characters'],
    [`a@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    [`a@sha256:${'a'.repeat(40)}`, 'invalid checksum digest length'],
  ]
  for (const [typed, message] of cases) {
    assert.throws(() => parseReference(typed), { name: 'GantryError', kind: 'InvalidParameter', message })
  }
})

void test('ids are told from names', () => {
  assert.deepEqual(parseAnyReference(hex), { id: `sha256:${hex}` })
  assert.deepEqual(parseAnyReference(`sha256:${hex}`), { id: `sha256:${hex}` })
  assert.deepEqual(parseAnyReference('sha256'), { domain: 'docker.io', path: 'library/sha256' })
  assert.equal(isDigest(`sha256:${hex.toUpperCase()}`), false)
})

void test('a tag is added only where nothing else says which', () => {
  assert.equal(fullString(withDefaultTag(parseReference('a'))), 'docker.io/library/a:latest')
  assert.equal(fullString(withDefaultTag(parseReference('a:1'))), 'docker.io/library/a:1')
  assert.equal(familiarString(withDefaultTag(parseReference(`a@sha256:${hex}`))), `a@sha256:${hex}`)
})

void test('a reference that parses means the same when it is printed, full or familiar', () => {
  const text = fc.oneof(fc.string({ maxLength: 30 }), fc.stringMatching(/^[a-zA-Z0-9._:/@-]{0,40}$/))
  fc.assert(
    fc.property(text, (typed) => {
      try {
        const reference = parseReference(typed)
        assert.deepEqual(parseReference(fullString(reference)), reference)
        assert.deepEqual(parseReference(familiarString(reference)), reference)
      } catch (error) {
        if (!(error instanceof GantryError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
