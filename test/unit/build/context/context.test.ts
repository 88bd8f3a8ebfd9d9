import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { contextOf, receiveContext, type ReceiveOptions } from '../../../../src/build/context/received-context.ts'
import { gitTree, remoteContext, type RemoteOptions } from '../../../../src/build/context/remote-context.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { tarEntry, type TarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'
import { attributes, needsRoot, readTree } from '../copy/trees.ts'

const asRoot = { skip: needsRoot }
const hasGit = needsRoot || (existsSync('/usr/bin/git') ? false : 'needs git')

type Members = (Partial<TarEntry> & { name: string; text?: string })[]

async function tarOf(members: Members): Promise<Buffer> {
  const parts: Buffer[] = []
  const all = members.map(({ text = '', ...fields }) => ({ entry: tarEntry({ ...fields, size: Buffer.byteLength(text) }), content: text === '' ? [] : [Buffer.from(text)] }))
  for await (const part of writeTar(all)) parts.push(part)
  return Buffer.concat(parts)
}

function place(context: TestContext): RemoteOptions & { home: string } {
  const home = mkdtempSync('/tmp/gantry-context-')
  context.after(() => rmSync(home, { recursive: true, force: true }))
  mkdirSync(path.join(home, 'contexts'))
  return { home, kernel: linuxKernel, parent: path.join(home, 'contexts'), directory: path.join(home, 'kept'), dockerfile: 'Dockerfile', signal: new AbortController().signal }
}

const receive = async (members: Members, options: ReceiveOptions, encode = (bytes: Buffer): Buffer => bytes) => {
  const received = await receiveContext(Readable.from([encode(await tarOf(members))]), options)
  await received.archive?.unpack()
  return received
}
const dockerfile = { name: 'Dockerfile', text: 'FROM scratch\n' }

for (const [coding, encode] of [['plain', (bytes: Buffer) => bytes], ['gzip', gzipSync], ['bzip2', (bytes: Buffer) => execFileSync('bzip2', ['-c'], { input: bytes })]] as const) {
  void test(`a context that comes as ${coding} tar lies in a directory of its own and belongs to root`, asRoot, async (context) => {
    const options = place(context)
    const received = await receive([dockerfile, { name: 'd/', type: 'directory', uid: 1000, mode: 0o750 }, { name: 'd/a', text: '1', uid: 1000, gid: 1000, mode: 0o640 }], options, encode)
    assert.deepEqual(readTree(received.root), { Dockerfile: 'FROM scratch\n', 'd/': '', 'd/a': '1' })
    assert.deepEqual([attributes(received.root, 'd'), attributes(received.root, 'd/a')], ['750 0:0', '640 0:0'])
    assert.deepEqual(received.dockerfile, { name: 'Dockerfile', text: 'FROM scratch\n' })
    await received.remove()
    assert.deepEqual(readdirSync(options.parent), [])
  })
}

const ignores: [says: string, members: Members, dockerfile: string, left: string[]][] = [
  ['what .dockerignore names', [dockerfile, { name: '.dockerignore', text: '*.md\n!keep.md' }, { name: 'a.md' }, { name: 'keep.md' }, { name: 'b' }], 'Dockerfile', ['.dockerignore', 'Dockerfile', 'b', 'keep.md']],
  ['itself and the Dockerfile', [dockerfile, { name: '.dockerignore', text: 'Dockerfile\n.dockerignore' }, { name: 'b' }], 'Dockerfile', ['b']],
  ['everything', [dockerfile, { name: '.dockerignore', text: '*' }, { name: 'b' }], 'Dockerfile', []],
  ['by the file beside the Dockerfile', [{ name: 'x/D', text: 'FROM scratch' }, { name: 'x/D.dockerignore', text: 'a' }, { name: '.dockerignore', text: 'b' }, { name: 'a' }, { name: 'b' }], 'x/D', ['.dockerignore', 'b', 'x/', 'x/D', 'x/D.dockerignore']],
  ['a directory but for one file', [dockerfile, { name: '.dockerignore', text: 'd\n!d/e/keep' }, { name: 'd/e/keep' }, { name: 'd/e/gone' }, { name: 'd/gone' }], 'Dockerfile', ['.dockerignore', 'Dockerfile', 'd/', 'd/e/', 'd/e/keep']],
  ['what came before it in the archive', [{ name: 'b' }, dockerfile, { name: '.dockerignore', text: 'b' }], 'Dockerfile', ['.dockerignore', 'Dockerfile']],
  ['nothing of an empty file', [dockerfile, { name: '.dockerignore', text: '\n# x\n' }, { name: 'b' }], 'Dockerfile', ['.dockerignore', 'Dockerfile', 'b']],
]
for (const [says, members, name, left] of ignores) {
  void test(`a context leaves out ${says}`, asRoot, async (context) => {
    const received = await receive(members, { ...place(context), dockerfile: name })
    assert.deepEqual(Object.keys(readTree(received.root)), left)
    assert.ok(received.dockerfile.text.startsWith('FROM scratch'))
  })
}

const failures: [says: string, members: Members, dockerfile: string, expected: RegExp][] = [
  ['no Dockerfile', [{ name: 'a' }], 'Dockerfile', /^Cannot locate specified Dockerfile: Dockerfile$/],
  ['no Dockerfile of the name', [dockerfile], 'other', /^Cannot locate specified Dockerfile: other$/],
  ['a directory for a Dockerfile', [{ name: 'Dockerfile/', type: 'directory' }], 'Dockerfile', /^Cannot locate specified Dockerfile/],
  ['an empty Dockerfile', [{ name: 'Dockerfile' }], 'Dockerfile', /^the Dockerfile \(Dockerfile\) cannot be empty$/],
  ['a Dockerfile above it', [dockerfile], '../../etc/passwd', /^Cannot locate specified Dockerfile: \.\.\/\.\.\/etc\/passwd$/],
  ['a Dockerfile that is a link out of it', [{ name: 'Dockerfile', type: 'symlink', linkName: '/etc/passwd' }], 'Dockerfile', /^Cannot locate specified Dockerfile/],
  ['an ignore pattern that is none', [dockerfile, { name: '.dockerignore', text: '[a' }], 'Dockerfile', /syntax error in pattern/],
  ['a member above it', [dockerfile, { name: '../../out', text: '1' }], 'Dockerfile', /cannot extract/],
  ['a hard link out of it', [dockerfile, { name: 'l', type: 'link', linkName: '/../../etc/passwd' }], 'Dockerfile', /cannot extract/],
]
for (const [says, members, name, expected] of failures) {
  void test(`a context with ${says} is refused and leaves nothing`, asRoot, async (context) => {
    const options = { ...place(context), dockerfile: name }
    await assert.rejects(receive(members, options), { message: expected })
    assert.deepEqual(readdirSync(options.parent), [])
    assert.equal(existsSync(path.join(options.home, 'out')), false)
  })
}

void test('a member behind a link out of the context stays in it', asRoot, async (context) => {
  const options = place(context)
  const received = await receive([dockerfile, { name: 'l', type: 'symlink', linkName: '/sub' }, { name: 'sub/', type: 'directory' }, { name: 'l/a', text: '1' }], options)
  assert.equal(readTree(received.root)['sub/a'], '1')
  assert.equal(existsSync('/sub/a'), false)
})

void test('rules that leave a link out remove the link, not what it names', asRoot, async (context) => {
  const options = place(context)
  writeFileSync(path.join(options.home, 'precious'), 'x')
  const received = await receive([dockerfile, { name: '.dockerignore', text: 'l\nl/precious' }, { name: 'l', type: 'symlink', linkName: options.home }], options)
  assert.deepEqual(Object.keys(readTree(received.root)), ['.dockerignore', 'Dockerfile'])
  assert.ok(existsSync(path.join(options.home, 'precious')))
})

void test('the default Dockerfile may be in lower case, and a text given apart comes before the context', asRoot, async (context) => {
  const lower = await receive([{ name: 'dockerfile', text: 'FROM a' }], place(context))
  assert.deepEqual(lower.dockerfile, { text: 'FROM a', name: 'dockerfile' })
  const apart = await receive([dockerfile], { ...place(context), dockerfileText: 'FROM b' })
  assert.equal(apart.dockerfile.text, 'FROM b')
})

void test('garbage is no context', asRoot, async (context) => {
  const options = place(context)
  await assert.rejects(receiveContext(Readable.from([Buffer.from('no tar at all '.repeat(100))]), options), /cannot read tar archive/)
  assert.deepEqual(readdirSync(options.parent), [])
})

async function serve(context: TestContext, body: string | Buffer): Promise<string> {
  const server = createServer((_, response) => response.end(body))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

void test('a remote context is an archive, or a Dockerfile alone', asRoot, async (context) => {
  const options = place(context)
  const archive = await remoteContext(`${await serve(context, gzipSync(await tarOf([dockerfile, { name: 'a', text: '1' }])))}/x.tgz`, options)
  assert.deepEqual(readTree(archive.root), { Dockerfile: 'FROM scratch\n', a: '1' })
  const alone = await remoteContext(`${await serve(context, 'FROM alone\n')}/Some.file`, { ...options, dockerfile: 'ignored' })
  assert.deepEqual(alone.dockerfile, { text: 'FROM alone\n', name: 'Dockerfile' })
  await assert.rejects(remoteContext(`${await serve(context, Buffer.from([1, 0, 2]))}/x`, options), /neither an archive nor a Dockerfile/)
  await assert.rejects(remoteContext('/etc', options), /could not be recognized as URL/)
})

void test('a git context has the files of its reference and subdirectory', { skip: hasGit }, async (context) => {
  const options = place(context)
  const repository = path.join(options.home, 'repository')
  mkdirSync(path.join(repository, 'sub'), { recursive: true })
  const git = (...args: string[]): void => void execFileSync('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { stdio: 'ignore' })
  git('init', '--initial-branch=main')
  writeFileSync(path.join(repository, 'Dockerfile'), 'FROM one')
  writeFileSync(path.join(repository, 'sub/Dockerfile'), 'FROM two')
  writeFileSync(path.join(repository, '.dockerignore'), 'sub')
  git('add', '.')
  git('commit', '-m', 'first')
  git('tag', 'v1')
  const fetched = async (remote: string) => await contextOf(await gitTree(remote, options), options)
  const whole = await fetched(`file://${repository}`)
  assert.deepEqual(Object.keys(readTree(whole.root)), ['.dockerignore', 'Dockerfile'])
  const part = await fetched(`file://${repository}#v1:sub`)
  assert.equal(part.dockerfile.text, 'FROM two')
  const again = await fetched(`file://${repository}#v1`)
  assert.equal(again.dockerfile.text, 'FROM one')
  await assert.rejects(fetched(`file://${repository}#none`), /repository does not contain ref none/)
})
