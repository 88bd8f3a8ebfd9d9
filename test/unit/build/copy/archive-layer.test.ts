import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { receiveArchive, type ContextArchive } from '../../../../src/build/context/archive/context-archive.ts'
import { receiveContext } from '../../../../src/build/context/received-context.ts'
import { removeTree } from '../../../../src/build/context/remove-tree.ts'
import { createCopier } from '../../../../src/build/copy/copier.ts'
import type { CopyOptions } from '../../../../src/build/copy/contract.ts'
import type { CopyStep, Step } from '../../../../src/build/plan/contract.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { tarEntry, type TarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'
import { needsRoot } from './trees.ts'

const asRoot = { skip: needsRoot }

type Members = readonly (Partial<TarEntry> & { name: string; text?: string })[]

async function* tarOf(members: Members): AsyncGenerator<Buffer> {
  yield* writeTar(members.map(({ text = '', ...fields }) => ({ entry: tarEntry({ mtime: 1_600_000_000_000_000_000n, ...fields, size: Buffer.byteLength(text) }), content: text === '' ? [] : [Buffer.from(text)] })))
}

/** Everything that tar says of a tree, but for the time at which directories were made. */
function listing(root: string): string[] {
  const script = String.raw`find . -mindepth 1 \( -type f -printf 'f %P %m %U:%G %s %n %T@ ' -exec sha256sum {} \; \) -o \( -type d -printf 'd %P %m %U:%G\n' \) -o -printf '%y %P %U:%G %l %T@\n'`
  return execFileSync('sh', ['-c', script], { cwd: root, encoding: 'utf8' }).split('\n').toSorted()
}

const context: Members = [
  { name: 'Dockerfile', text: 'FROM scratch\n' },
  { name: 'src/', type: 'directory', mode: 0o750 },
  { name: 'src/main.c', text: 'int main;\n', mode: 0o600 },
  { name: 'src/run.sh', text: '#!/bin/sh\n', mode: 0o4755 },
  { name: 'src/deep/er/a', text: 'a' },
  { name: 'src/deep/er/b.md', text: '' },
  { name: 'src/name with ü and \udcff', text: 'x' },
  { name: 'src/link', type: 'symlink', linkName: 'deep/er' },
  { name: 'src/hard', type: 'link', linkName: 'src/main.c' },
  { name: 'twice', text: 'first' },
  { name: 'twice', text: 'second' },
  { name: 'was-directory/below', text: 'gone' },
  { name: 'was-directory', text: 'a file' },
  { name: 'long/'.repeat(30) + 'name', text: 'far' },
  { name: 'big', text: 'block\n'.repeat(100_000) },
]

const image: Members = [
  { name: 'work/', type: 'directory', mode: 0o2775, uid: 7, gid: 8 },
  { name: 'work/src/', type: 'directory', mode: 0o700, uid: 7, gid: 8 },
  { name: 'work/src/main.c', text: 'old' },
  { name: 'work/src/other', text: 'stays' },
  { name: 'work/Dockerfile', text: 'old' },
  { name: 'real/', type: 'directory' },
  { name: 'way', type: 'symlink', linkName: '/real' },
  { name: 'etc/passwd', text: 'me:x:12:13::/:\n' },
]

interface Both {
  digests: string[]
  trees: string[][]
  /** Whether the layer was known without being done. */
  planned: boolean
  failures: string[]
}

/** The same step from the archive and from its files. */
async function both(test: TestContext, change: Partial<Omit<CopyStep, 'sources'>> & { from: string | string[]; unpack?: boolean }, members = context): Promise<Both> {
  const home = mkdtempSync('/tmp/gantry-archive-')
  test.after(() => rmSync(home, { recursive: true, force: true }))
  const place = (name: string): string => path.join(home, name)
  const found: Both = { digests: [], trees: [], planned: false, failures: [] }
  const { from, unpack = false, ...more } = change
  const tree: Step = { kind: 'tree', root: place('unpacked'), context: 'context', name: 'context', ignoreCache: false }
  const parent: Step = { kind: 'scratch', name: 'scratch', ignoreCache: false }
  const sources = [from].flat().map((pattern) => ({ kind: 'files' as const, from: tree, pattern, unpack }))
  const step: CopyStep = { kind: 'copy', parent, link: false, destination: '/', sources, chown: '', parents: false, excludes: [], name: 'COPY', ignoreCache: false, ...more }
  mkdirSync(place('contexts'))
  const archive = (await receiveArchive(tarOf(members), { kernel: linuxKernel, parent: place('contexts'), root: place('unpacked'), signal: test.signal }))!
  await archive.unpack()
  for (const way of ['archive', 'files'] as const) {
    const root = place(`root of ${way}`)
    mkdirSync(root)
    await unpacked(tarOf(image), root)
    const copier = createCopier({ kernel: linuxKernel, directory: place('kept') })
    const options: CopyOptions = { rootOf: async (one) => (one === parent ? root : place('unpacked')), signal: test.signal, asArchive: true, ...(way === 'archive' && { archiveOf: (one: Step): ContextArchive | undefined => (one === tree ? archive : undefined) }) }
    try {
      found.digests.push(await copier.copyDigest(step, options))
      const layer = await copier.copyInto(step, root, options)
      if (layer !== undefined) {
        found.planned = true
        await unpacked(layer, root)
      }
    } catch (error) {
      found.failures.push((error as Error).message)
    }
    found.trees.push(listing(root))
  }
  archive.close()
  return found
}

/** By GNU tar, which has read the same documents as we have. */
async function unpacked(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, directory: string): Promise<void> {
  const parts: Buffer[] = []
  for await (const piece of pieces) parts.push(Buffer.from(piece))
  execFileSync('tar', ['-x', '-p', '-C', directory, '--numeric-owner', '--overwrite-dir'], { input: Buffer.concat(parts) })
}

const steps: [says: string, step: Parameters<typeof both>[1], planned?: boolean][] = [
  ['everything into a new directory', { from: '.', destination: '/new/place/' }],
  ['everything over a directory that has some of it', { from: '.', destination: '/work' }],
  ['everything into the root', { from: '.' }],
  ['a directory', { from: 'src', destination: '/x' }],
  ['a directory through a link', { from: 'src/link', destination: '/x/' }],
  ['one file under another name', { from: 'src/main.c', destination: '/work/src/renamed' }],
  ['one file over one that is there', { from: 'Dockerfile', destination: '/work/' }],
  ['one file behind a link of the image', { from: 'big', destination: '/way/big' }],
  ['several files', { from: ['Dockerfile', 'big', 'src/run.sh'], destination: '/work/new/' }],
  ['a file and a directory', { from: ['Dockerfile', 'src'], destination: '/there/' }],
  ['by a pattern', { from: 'src/*.c', destination: '/x/' }],
  ['by a pattern that nothing fits', { from: 'src/*.none', destination: '/x/' }],
  ['for another owner with another mode', { from: '.', destination: '/x/', chown: 'me:5', chmod: 'u=rwX,go=rX' }],
  ['without what is excluded', { from: '.', destination: '/x/', excludes: ['src/deep', '**/*.c'] }],
  ['with its parents', { from: './src/deep/er/a', destination: '/work/', parents: true }],
  ['with the parents of a pattern', { from: 'src/./deep/*/*.md', destination: '/x/', parents: true }],
  ['hard links', { from: 'src', destination: '/work/linked/' }],
  ['a file to be unpacked that is no archive', { from: 'big', destination: '/x/', unpack: true }],
  ['the same name twice', { from: ['src/main.c', 'src/main.c'], destination: '/x/' }, false],
  ['a file over a directory', { from: 'twice', destination: '/work/src/deep/..' }],
]
for (const [says, step, planned = true] of steps) {
  void test(`a layer that is only written down has what a COPY makes: ${says}`, asRoot, async (context) => {
    const result = await both(context, step)
    assert.deepEqual(result.failures, [])
    assert.equal(result.digests[0], result.digests[1])
    assert.deepEqual(result.trees[0], result.trees[1])
    assert.equal(result.planned, planned)
  })
}

const refused: [says: string, step: Parameters<typeof both>[1], message: RegExp, members?: Members][] = [
  ['a directory over a file', { from: 'src', destination: '/work/Dockerfile' }, /cannot copy to non-directory/],
  ['a directory where there is a file', { from: '.', destination: '/work/src/' }, /cannot copy to non-directory: \/work\/src\/main.c/, [{ name: 'main.c/', type: 'directory' }]],
  ['a file where there is a directory', { from: '.', destination: '/work' }, /cannot replace to directory \/work\/src with file/, [{ name: 'src', text: '1' }]],
  ['nothing of that name', { from: 'none' }, /"\/none": not found/],
]
for (const [says, step, message, members] of refused) {
  void test(`what cannot be copied is refused in the same words: ${says}`, asRoot, async (context) => {
    const { failures } = await both(context, step, members)
    assert.ok(failures.length >= 2)
    for (const failure of failures) assert.match(failure, message)
  })
}

void test('what an archive alone cannot tell is unpacked while it comes', asRoot, async (context) => {
  const special: [string, Members][] = [
    ['attributes', [{ name: 'a', text: '1', xattrs: new Map([['user.x', Buffer.from('y')]]) }]],
    ['a pipe', [{ name: 'p', type: 'fifo' }]],
    ['a member behind a link', [{ name: 'd/', type: 'directory' }, { name: 'l', type: 'symlink', linkName: 'd' }, { name: 'l/a', text: '1' }]],
    ['what a layer would take for a whiteout', [{ name: '.wh.a', text: '1' }]],
  ]
  for (const [says, members] of special) {
    const parent = mkdtempSync('/tmp/gantry-archive-')
    context.after(() => rmSync(parent, { recursive: true, force: true }))
    const before: Members = [{ name: 'Dockerfile', text: 'FROM scratch\n' }, { name: 'hard', type: 'link', linkName: 'Dockerfile' }]
    const received = await receiveContext(Readable.from(tarOf([...before, ...members, { name: 'after', text: '2' }])), { kernel: linuxKernel, parent, dockerfile: 'Dockerfile', signal: context.signal })
    assert.equal(received.archive, undefined, says)
    const names = ['Dockerfile', 'after', 'hard', ...members.map(({ name }) => name.replace(/\/.*/, ''))]
    assert.deepEqual(readdirSync(received.root).toSorted(), [...new Set(names)].toSorted(), says)
    await received.remove()
    assert.deepEqual(readdirSync(parent), [], says)
  }
})

void test('of a context that is not looked at no file is made, and nothing is left of one that is', asRoot, async (context) => {
  const parent = mkdtempSync('/tmp/gantry-archive-')
  context.after(() => rmSync(parent, { recursive: true, force: true }))
  const large: Members = Array.from({ length: 40 }, (_, at) => ({ name: `f${at}`, text: String(at).repeat(200_000) }))
  const received = await receiveContext(Readable.from(tarOf([{ name: 'Dockerfile', text: 'FROM scratch\n' }, ...large])), { kernel: linuxKernel, parent, dockerfile: 'Dockerfile', signal: context.signal })
  assert.deepEqual(readdirSync(parent), [])
  const node = received.archive!.tree.find('/f17')!
  assert.equal(received.archive!.content(node, 100_000, 6).toString(), '171717')
  await received.archive!.unpack()
  assert.equal(readdirSync(received.root).length, 41)
  writeFileSync(path.join(received.root, 'more'), '')
  await received.remove()
  assert.ok(!existsSync(received.root))
  await removeTree(parent)
})
