import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { contextRules, listDirectory } from '../../../../src/lib/build-context/list-directory.ts'
import { packDirectory } from '../../../../src/lib/build-context/pack-directory.ts'
import type { TarEntry } from '../../../../src/lib/tar/entry.ts'
import { readTar } from '../../../../src/lib/tar/reader.ts'
import { writeTree, type Tree } from '../../build/copy/trees.ts'

function directory(context: TestContext, tree: Tree): string {
  const home = mkdtempSync('/tmp/gantry-context-')
  context.after(() => rmSync(home, { recursive: true, force: true }))
  writeTree(home, tree)
  return home
}

const tree: Tree = { Dockerfile: 'FROM scratch', '.dockerignore': 'x', 'a.md': '1', 'b.js': '2', 'node_modules/p/index.js': '3', 'node_modules/keep/index.js': '4', 'src/c.js': '5', 'src/d.md': '6', empty: { in: {} } }
const all = ['.dockerignore', 'Dockerfile', 'a.md', 'b.js', 'empty', 'node_modules', 'node_modules/keep', 'node_modules/keep/index.js', 'node_modules/p', 'node_modules/p/index.js', 'src', 'src/c.js', 'src/d.md']

const cases: [rules: string[], left: string[]][] = [
  [[], all],
  [['*.md'], all.filter((name) => name !== 'a.md')],
  [['**/*.md'], all.filter((name) => !name.endsWith('.md'))],
  [['node_modules'], all.filter((name) => !name.startsWith('node_modules'))],
  [['node_modules', '!node_modules/keep'], all.filter((name) => !name.startsWith('node_modules/p'))],
  [['*'], []],
  [['*', '!src'], ['src', 'src/c.js', 'src/d.md']],
  [['*', '!src/**/*.js'], ['src', 'src/c.js']],
  [['**', '!**/*.js'], all.filter((name) => name.endsWith('.js') || name === 'node_modules' || name === 'node_modules/keep' || name === 'node_modules/p' || name === 'src')],
  [['src/'], all.filter((name) => !name.startsWith('src'))],
]
for (const [rules, left] of cases) {
  void test(`rules ${JSON.stringify(rules)} leave ${left.length} names`, (context) => {
    const home = directory(context, tree)
    assert.deepEqual(Array.from(listDirectory(home, rules), ({ name }) => name), left)
  })
}

void test('the rules beside a Dockerfile come before those of the context', () => {
  const files: Record<string, string> = { '.dockerignore': 'a', 'build/Dockerfile.dockerignore': '# none', 'x.Dockerfile.dockerignore': 'b\n!c' }
  const read = (name: string): string | undefined => files[name]
  assert.deepEqual(contextRules('Dockerfile', read), { lines: ['a'], file: '.dockerignore' })
  assert.deepEqual(contextRules('x.Dockerfile', read), { lines: ['b', '!c'], file: 'x.Dockerfile.dockerignore' })
  assert.deepEqual(contextRules('build/Dockerfile', read), { lines: [], file: 'build/Dockerfile.dockerignore' })
  assert.deepEqual(contextRules(undefined, read), { lines: ['a'], file: '.dockerignore' })
  assert.deepEqual(contextRules('Dockerfile', () => undefined), { lines: [], file: undefined })
})

async function unpacked(tar: AsyncIterable<Uint8Array>): Promise<Map<string, { entry: TarEntry; text: string }>> {
  const found = new Map<string, { entry: TarEntry; text: string }>()
  let last = ''
  await readTar(tar, {
    entry: (entry) => void found.set((last = entry.name), { entry, text: '' }),
    data: (chunk) => void (found.get(last)!.text += chunk.toString()),
    end: () => {},
  })
  return found
}

void test('an archive has modes, links and contents, and belongs to root', async (context) => {
  const home = directory(context, { 'd/a': { text: 'one', mode: 0o751 }, 'd/b': { hard: 'd/a' }, l: { link: 'd/a' }, e: { in: {}, mode: 0o700 } })
  const members = await unpacked(packDirectory(home, { rules: [] }))
  assert.deepEqual([...members].map(([name, { entry, text }]) => [name, entry.type, entry.mode.toString(8), entry.linkName, text]), [
    ['d/', 'directory', '755', '', ''],
    ['d/a', 'file', '751', '', 'one'],
    ['d/b', 'link', '751', 'd/a', ''],
    ['e/', 'directory', '700', '', ''],
    ['l', 'symlink', '777', 'd/a', ''],
  ])
  for (const { entry } of members.values()) assert.deepEqual([entry.uid, entry.gid, entry.userName], [0, 0, ''])
})

void test('what the builder reads goes along although it is ignored', async (context) => {
  const home = directory(context, { 'a[1].Dockerfile': 'FROM scratch', a1: '', b: '' })
  const members = await unpacked(packDirectory(home, { rules: ['*'], keep: ['a[1].Dockerfile', '.dockerignore'] }))
  assert.deepEqual([...members.keys()], ['a[1].Dockerfile'])
})

void test('a file that changes its size meanwhile is an error', async (context) => {
  const home = directory(context, { a: 'x'.repeat(1000) })
  const packing = packDirectory(home, { rules: [] })
  await packing.next()
  writeFileSync(path.join(home, 'a'), '')
  await assert.rejects(async () => { for await (const _ of packing); }, /cannot pack build context: .*a changed meanwhile/)
})

void test('what may not be read is named as Docker does', { skip: process.getuid?.() === 0 ? 'root may read everything' : false }, async (context) => {
  const home = directory(context, { a: '1' })
  chmodSync(path.join(home, 'a'), 0)
  await assert.rejects(unpacked(packDirectory(home, { rules: [] })), /error checking context: no permission to read from/)
  mkdirSync(path.join(home, 'd'), { mode: 0 })
})
