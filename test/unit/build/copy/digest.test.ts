import assert from 'node:assert/strict'
import { chmodSync, chownSync, linkSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'
import type { CopyStep } from '../../../../src/build/plan/contract.ts'
import { bench, needsRoot, writeTree, type Tree } from './trees.ts'

const asRoot = { skip: needsRoot }
const tree: Tree = { 'd/a': 'one', 'd/s/b': 'two', 'd/l': { link: 'a' }, other: 'x' }

const differences: [what: string, change: (source: string) => void][] = [
  ['a file has another content of the same length', (source) => writeFileSync(path.join(source, 'd/a'), 'ONE')],
  ['a file has another mode', (source) => chmodSync(path.join(source, 'd/a'), 0o755)],
  ['a file has another owner', (source) => chownSync(path.join(source, 'd/a'), 3, 0)],
  ['a file has another name', (source) => renameSync(path.join(source, 'd/a'), path.join(source, 'd/A'))],
  ['a file is new', (source) => writeFileSync(path.join(source, 'd/c'), '')],
  ['a file is gone', (source) => unlinkSync(path.join(source, 'd/s/b'))],
  ['a directory has another mode', (source) => chmodSync(path.join(source, 'd/s'), 0o700)],
  ['an empty directory is gone', (source) => rmSync(path.join(source, 'd/s'), { recursive: true })],
  ['a link leads elsewhere', (source) => (unlinkSync(path.join(source, 'd/l')), symlinkSync('b', path.join(source, 'd/l')))],
  ['a link became its file', (source) => (unlinkSync(path.join(source, 'd/l')), writeFileSync(path.join(source, 'd/l'), 'one'))],
  ['two files became one with two names', (source) => linkSync(path.join(source, 'd/a'), path.join(source, 'd/b'))],
  ['a file has another attribute', (source) => assert.equal(linuxKernel.syscall(nr('setxattr'), path.join(source, 'd/a'), 'user.x', Buffer.from('1'), 1, 0), 0)],
]
for (const [what, change] of differences) {
  void test(`the digest is another one when ${what}`, asRoot, async (context) => {
    const own = bench(context, { source: tree })
    const step = own.step({ from: 'd', destination: '/x' })
    const before = await own.digest(step)
    assert.equal(await own.digest(step), before)
    change(own.source)
    assert.notEqual(await own.digest(step), before)
  })
}

const sames: [what: string, change: (source: string) => void][] = [
  ['times are others', (source) => ['d/a', 'd/s', 'd'].forEach((name) => utimesSync(path.join(source, name), 5, 5))],
  ['something else changes', (source) => writeFileSync(path.join(source, 'other'), 'y')],
  ['a file is written again', (source) => writeFileSync(path.join(source, 'd/a'), 'one')],
  ['the directory itself has another mode, which no copy has', (source) => chmodSync(path.join(source, 'd'), 0o700)],
]
for (const [what, change] of sames) {
  void test(`the digest is the same when ${what}`, asRoot, async (context) => {
    const own = bench(context, { source: tree })
    const step = own.step({ from: 'd', destination: '/x' })
    const before = await own.digest(step)
    change(own.source)
    assert.equal(await own.digest(step), before)
  })
}

const steps: [Partial<CopyStep> & { from?: string }, Partial<CopyStep> & { from?: string }][] = [
  [{}, { destination: '/y' }],
  [{}, { destination: '/x/' }],
  [{}, { chown: '1:1' }],
  [{}, { chmod: '700' }],
  [{}, { excludes: ['a'] }],
  [{}, { parents: true }],
  [{ from: 'd/a' }, { from: 'd/s/b' }],
]
for (const [one, other] of steps) {
  void test(`the digest tells ${JSON.stringify(one)} from ${JSON.stringify(other)}`, asRoot, async (context) => {
    const own = bench(context, { source: tree })
    const [first, second] = [one, other].map((change) => own.step({ from: 'd', destination: '/x', ...change }))
    assert.notEqual(await own.digest(first!), await own.digest(second!))
  })
}

void test('owners of the source do not count when --chown says another', asRoot, async (context) => {
  const own = bench(context, { source: tree })
  const step = own.step({ from: 'd', destination: '/x', chown: '7:7' })
  const before = await own.digest(step)
  chownSync(path.join(own.source, 'd/a'), 3, 3)
  assert.equal(await own.digest(step), before)
})

void test('a linked layer depends on what the names of its owner mean', asRoot, async (context) => {
  const own = bench(context, { source: tree, image: { 'etc/passwd': 'anna:x:5:5::/:\n' } })
  const step = own.step({ from: 'd', destination: '/x', chown: 'anna', link: true })
  const before = await own.digest(step)
  writeFileSync(path.join(own.root, 'etc/passwd'), 'anna:x:6:6::/:\n')
  assert.notEqual(await own.digest(step), before)
})

void test('what is excluded may change', asRoot, async (context) => {
  const own = bench(context, { source: tree })
  const step = own.step({ from: 'd', destination: '/x', excludes: ['s'] })
  const before = await own.digest(step)
  writeFileSync(path.join(own.source, 'd/s/b'), 'changed')
  assert.equal(await own.digest(step), before)
})

void test('trees that differ have digests that differ, whatever their names hold', asRoot, async (context) => {
  const own = bench(context)
  const name = fc.stringMatching(/^[a-c:0-9\n ]{1,6}$/).filter((text) => text !== '.' && text !== '..')
  const trees = fc.dictionary(name, fc.constantFrom('', '1', '1:', 'a'), { minKeys: 1, maxKeys: 3 })
  const digests = new Map<string, string>()
  await fc.assert(
    fc.asyncProperty(trees, async (files) => {
      const place = path.join(own.source, 't')
      rmSync(place, { recursive: true, force: true })
      writeTree(own.source, { t: { in: files } })
      const text = JSON.stringify(Object.entries(files).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      const digest = await own.digest(own.step({ from: 't', destination: '/x' }))
      assert.equal(digests.get(digest) ?? text, text)
      digests.set(digest, text)
    }),
    { numRuns: 200 },
  )
})
