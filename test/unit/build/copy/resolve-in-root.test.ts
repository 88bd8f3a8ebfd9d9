import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { resolveInRoot } from '../../../../src/build/copy/resolve-in-root.ts'
import { openInRoot } from '../../../../src/kernel/in-root.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { writeTree, type Tree } from './trees.ts'

/** Where the kernel gets to; undefined when it gets nowhere. */
function byKernel(root: string, path: string): string | undefined {
  const top = openSync(root, 'r')
  try {
    const found = openInRoot(linuxKernel, top, path, 'followed')
    const place = readlinkSync(`/proc/self/fd/${found}`)
    closeSync(found)
    return place.slice(root.length) || '/'
  } catch {
    return undefined
  } finally {
    closeSync(top)
  }
}

const part = fc.constantFrom('a', 'b', 'c', '..', '.', '')
const place = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
const target = fc.tuple(fc.constantFrom('', '/', '../../../../'), place).map(([start, rest]) => `${start}${rest}` || '.')
const node = fc.oneof(fc.constant<Tree[string]>('text'), target.map((link) => ({ link })), fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.constant<Tree[string]>('text'), target.map((link) => ({ link })))).map((tree) => ({ in: tree })))

void test('links of a tree lead where the kernel says, and never out of it', () => {
  let reached = 0
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), node), fc.array(place, { minLength: 1, maxLength: 8 }), (tree, paths) => {
      const root = mkdtempSync('/tmp/gantry-resolve-')
      try {
        writeTree(root, tree)
        for (const path of paths) {
          const expected = byKernel(root, path)
          if (expected === undefined) continue
          reached++
          assert.equal(resolveInRoot(root, path), expected, path)
        }
      } finally {
        rmSync(root, { recursive: true })
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(reached > 100, String(reached))
})

void test('what is not there is taken as it is named', (context) => {
  const root = mkdtempSync('/tmp/gantry-resolve-')
  context.after(() => rmSync(root, { recursive: true }))
  writeTree(root, { l: { link: '/not/there' }, up: { link: '../../x' }, loop: { link: 'loop' } })
  assert.equal(resolveInRoot(root, '/l/y'), '/not/there/y')
  assert.equal(resolveInRoot(root, 'up/y/../z/'), '/x/z')
  assert.equal(resolveInRoot(root, '../../../../etc'), '/etc')
  assert.throws(() => resolveInRoot(root, 'loop'), /too many links/)
})
