import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { pruneSources, sweepSources } from '../../../../src/build/copy/kept-sources.ts'
import type { CopySource, CopyStep } from '../../../../src/build/plan/contract.ts'
import { tarEntry, type TarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'
import { attributes, bench, needsRoot, readTree, type Bench } from './trees.ts'

const asRoot = { skip: needsRoot }
const hasGit = needsRoot || (existsSync('/usr/bin/git') ? false : 'needs git')

async function tarOf(members: (Partial<TarEntry> & { name: string; text?: string })[]): Promise<Buffer> {
  const parts: Buffer[] = []
  const all = members.map(({ text = '', ...fields }) => ({ entry: tarEntry({ ...fields, size: Buffer.byteLength(text) }), content: text === '' ? [] : [Buffer.from(text)] }))
  for await (const part of writeTar(all)) parts.push(part)
  return Buffer.concat(parts)
}

function add(own: Bench, { unpack = true, ...change }: Partial<CopyStep> & { from: string; unpack?: boolean }): CopyStep {
  const step = own.step({ destination: '/x/', ...change })
  return { ...step, sources: step.sources.map((source) => ({ ...source, unpack }) as CopySource) }
}

const plain = await tarOf([{ name: 'd/', type: 'directory', mode: 0o750, uid: 3 }, { name: 'd/a', text: 'one', uid: 5, gid: 6, mode: 0o640 }, { name: 'l', type: 'symlink', linkName: 'd/a' }])
const tool = (name: string) => (bytes: Buffer): Buffer => execFileSync(name, ['-c'], { input: bytes })
const codings: [string, (bytes: Buffer) => Buffer][] = [['nothing', (bytes) => bytes], ['gzip', gzipSync], ['zstd', zstdCompressSync], ['bzip2', tool('bzip2')], ['xz', tool('xz')]]

for (const [coding, encode] of codings) {
  void test(`ADD unpacks a tar that is compressed with ${coding}, whatever its name`, asRoot, async (context) => {
    const own = bench(context)
    writeFileSync(path.join(own.source, 'file'), encode(plain))
    await own.copy(add(own, { from: 'file' }))
    assert.deepEqual(readTree(own.root), { 'x/': '', 'x/d/': '', 'x/d/a': 'one', 'x/l': '-> d/a' })
    assert.deepEqual([attributes(own.root, 'x/d'), attributes(own.root, 'x/d/a')], ['750 3:0', '640 5:6'])
  })
}

void test('ADD --unpack=false and COPY leave archives as they are', asRoot, async (context) => {
  const own = bench(context)
  writeFileSync(path.join(own.source, 'a.tar'), plain)
  await own.copy(add(own, { from: 'a.tar', unpack: false }))
  assert.deepEqual(readFileSync(path.join(own.root, 'x/a.tar')), plain)
})

for (const [what, bytes] of [['a file that begins like gzip', Buffer.from('\x1f\x8bnot gzip', 'latin1')], ['compressed text', gzipSync('text')], ['an empty file', Buffer.alloc(0)], ['zeros', Buffer.alloc(2048)], ['text', Buffer.from('x'.repeat(600))]] as const) {
  void test(`ADD takes ${what} for a file`, asRoot, async (context) => {
    const own = bench(context)
    writeFileSync(path.join(own.source, 'a.tar.gz'), bytes)
    await own.copy(add(own, { from: 'a.tar.gz' }))
    assert.deepEqual(readFileSync(path.join(own.root, 'x/a.tar.gz')), bytes)
  })
}

void test('an archive that breaks off is an error', asRoot, async (context) => {
  const own = bench(context)
  writeFileSync(path.join(own.source, 'a.tar'), plain.subarray(0, 700))
  await assert.rejects(own.copy(add(own, { from: 'a.tar' })), /truncated/)
})

void test('an archive is laid over what is there', asRoot, async (context) => {
  const own = bench(context, { image: { 'x/d/a': 'old', 'x/d/b': 'stays', 'x/l': { in: {} } } })
  writeFileSync(path.join(own.source, 'a.tar'), plain)
  await own.copy(add(own, { from: 'a.tar' }))
  assert.deepEqual(readTree(own.root), { 'x/': '', 'x/d/': '', 'x/d/a': 'one', 'x/d/b': 'stays', 'x/l': '-> d/a' })
})

void test('--chown holds for what is in an archive, SOURCE_DATE_EPOCH for its times', asRoot, async (context) => {
  const own = bench(context)
  writeFileSync(path.join(own.source, 'a.tar'), await tarOf([{ name: 'f', text: '1', uid: 9, mtime: 9_000_000_000_000n }]))
  await own.copy(add(own, { from: 'a.tar', chown: '7:8' }), { sourceDateEpoch: 1000 })
  assert.equal(attributes(own.root, 'x/f'), '644 7:8')
  assert.equal(lstatSync(path.join(own.root, 'x/f')).mtimeMs, 1_000_000)
})

void test('names in an archive that look like whiteouts are names', asRoot, async (context) => {
  const own = bench(context, { image: { 'x/a': 'stays' } })
  writeFileSync(path.join(own.source, 'a.tar'), await tarOf([{ name: '.wh.a', text: '1' }, { name: '.wh..wh..opq' }]))
  await own.copy(add(own, { from: 'a.tar' }))
  assert.deepEqual(readTree(own.root), { 'x/': '', 'x/.wh..wh..opq': '', 'x/.wh.a': '1', 'x/a': 'stays' })
})

const hostile: [string, Parameters<typeof tarOf>[0]][] = [
  ['a name above its root', [{ name: '../../out', text: '1' }]],
  ['a hard link to above its root', [{ name: 'l', type: 'link', linkName: '../../../etc/passwd' }]],
]
for (const [what, members] of hostile) {
  void test(`an archive with ${what} is refused`, asRoot, async (context) => {
    const own = bench(context)
    writeFileSync(path.join(own.source, 'a.tar'), await tarOf(members))
    await assert.rejects(own.copy(add(own, { from: 'a.tar' })), /cannot extract/)
    assert.deepEqual(readTree(own.root), { 'x/': '' })
  })
}

void test('an archive that writes through a link of its own, or of the image, stays in its destination', asRoot, async (context) => {
  const outside = path.join('/tmp', `gantry-outside-${process.pid}`)
  const own = bench(context, { image: { 'x/e': { link: '/' } } })
  writeFileSync(path.join(own.source, 'a.tar'), await tarOf([{ name: 'l', type: 'symlink', linkName: '/tmp' }, { name: `l/${path.basename(outside)}`, text: '1' }, { name: 'e/f', text: '2' }]).catch(() => Buffer.alloc(0)))
  await own.copy(add(own, { from: 'a.tar' })).catch(() => undefined)
  assert.equal(existsSync(outside), false)
  assert.equal(existsSync('/f'), false)
})

interface Answer {
  body: string | Buffer
  headers?: Record<string, string>
  status?: number
}

async function server(context: TestContext, answer: (request: IncomingMessage) => Answer): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const serving = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(request)
    const { body, headers = {}, status = 200 } = answer(request)
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => void serving.listen(0, '127.0.0.1', resolve))
  context.after(() => serving.close())
  return { url: `http://127.0.0.1:${(serving.address() as AddressInfo).port}`, requests }
}

const fetched = (own: Bench, url: string, change: Partial<CopyStep> & { unpack?: boolean; checksum?: string } = {}): CopyStep => {
  const { unpack = false, checksum, ...rest } = change
  return own.step({ destination: '/x/', sources: [{ kind: 'url', url, unpack, ...(checksum === undefined ? {} : { checksum }) }], ...rest })
}

void test('ADD of a URL: name of the URL, mode 0600, owner root, time of Last-Modified', asRoot, async (context) => {
  const own = bench(context)
  const { url } = await server(context, () => ({ body: 'text', headers: { 'last-modified': 'Thu, 01 Jan 1970 00:16:40 GMT' } }))
  await own.copy(fetched(own, `${url}/p/file%20one.txt?q=1`))
  assert.deepEqual(readTree(own.root), { 'x/': '', 'x/file one.txt': 'text' })
  assert.equal(attributes(own.root, 'x/file one.txt'), '600 0:0')
  assert.equal(lstatSync(path.join(own.root, 'x/file one.txt')).mtimeMs, 1_000_000)
})

const names: [url: string, disposition: string | undefined, name: string][] = [
  ['/', undefined, '__unnamed__'],
  ['/', 'attachment; filename="a.txt"', 'a.txt'],
  ['/', 'attachment; filename=b.txt', 'b.txt'],
  ['/', 'attachment; filename="../../etc/c.txt"', 'c.txt'],
  ['/', 'attachment; filename=".."', '__unnamed__'],
  ['/x/', undefined, 'x'],
  ['/%2e%2e%2f%2e%2e%2fetc%2fpasswd', undefined, 'passwd'],
  ['/real', 'attachment; filename="other"', 'real'],
]
for (const [url, disposition, name] of names) {
  void test(`ADD of ${url} that is called ${disposition} makes ${name}`, asRoot, async (context) => {
    const own = bench(context)
    const { url: base } = await server(context, () => ({ body: 'text', ...(disposition === undefined ? {} : { headers: { 'content-disposition': disposition } }) }))
    await own.copy(fetched(own, `${base}${url}`))
    assert.deepEqual(readTree(own.root), { 'x/': '', [`x/${name}`]: 'text' })
  })
}

void test('the digest and the copy of a URL are one download, the next build asks whether it is still the same', asRoot, async (context) => {
  const own = bench(context)
  let body = 'one'
  const { url, requests } = await server(context, ({ headers }) => (headers['if-none-match'] === `"${body}"` ? { body: '', status: 304 } : { body, headers: { etag: `"${body}"` } }))
  const step = fetched(own, `${url}/f`)
  const digest = await own.digest(step)
  body = 'two'
  await own.copy(step)
  assert.deepEqual(readTree(own.root), { 'x/': '', 'x/f': 'one' })
  assert.equal(requests.length, 1)
  const later = fetched(own, `${url}/f`)
  assert.notEqual(await own.digest(later), digest)
  assert.equal(await own.digest(fetched(own, `${url}/f`)), await own.digest(later))
  assert.deepEqual(requests.map(({ headers }) => headers['if-none-match']), [undefined, '"one"', '"two"'])
})

const sum = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
void test('what is no URL is told so', asRoot, async (context) => {
  const own = bench(context)
  await assert.rejects(own.digest(fetched(own, 'http://')), { message: 'invalid URL "http://"' })
})

void test('--checksum has to fit, and then the server is not asked again', asRoot, async (context) => {
  const own = bench(context)
  const { url, requests } = await server(context, () => ({ body: 'text' }))
  const digests = await Promise.all(['text', 'other', 'text'].map((text) => own.digest(fetched(own, `${url}/f`, { checksum: sum(text) }))))
  assert.deepEqual([requests.length, digests[0] === digests[2], digests[0] === digests[1]], [0, true, false])
  await assert.rejects(own.copy(fetched(own, `${url}/f`, { checksum: sum('other') })), { message: `digest mismatch ${sum('text')}: ${sum('other')}` })
  await assert.rejects(own.digest(fetched(own, `${url}/f`, { checksum: 'md5:00' })), /invalid checksum digest format/)
  await own.copy(fetched(own, `${url}/f`, { checksum: sum('text') }))
  await own.copy(fetched(own, `${url}/f`, { checksum: sum('text') }))
  assert.equal(requests.length, 2)
})

const failures: [status: number, headers: Record<string, string>, expected: RegExp][] = [
  [404, {}, /^invalid response status 404$/],
  [500, {}, /^invalid response status 500$/],
  [302, { location: 'file:///etc/passwd' }, /unsupported protocol scheme "file"/],
  [302, { location: 'http://[' }, /failed to parse Location header "http:\/\/\["/],
  [302, { location: '/again' }, /stopped after 10 redirects/],
]
for (const [status, headers, expected] of failures) {
  void test(`a server that answers ${status} ${JSON.stringify(headers)} is an error`, asRoot, async (context) => {
    const own = bench(context)
    const { url } = await server(context, () => ({ body: '', status, headers }))
    await assert.rejects(own.digest(fetched(own, `${url}/f`)), { message: expected })
  })
}

void test('archives from a URL are unpacked when --unpack says so, redirects are followed', asRoot, async (context) => {
  const own = bench(context)
  const { url } = await server(context, (request): Answer => (request.url === '/a' ? { body: '', status: 302, headers: { location: '/b' } } : { body: gzipSync(plain), headers: { 'content-type': 'application/gzip' } }))
  await own.copy(fetched(own, `${url}/a`, { unpack: true }))
  assert.equal(readTree(own.root)['x/d/a'], 'one')
  await own.copy(fetched(own, `${url}/a`, { destination: '/y/' }))
  assert.deepEqual(readFileSync(path.join(own.root, 'y/a')), gzipSync(plain))
})

function repository(context: TestContext): { place: string; git: (...args: string[]) => string; own: Bench } {
  const own = bench(context)
  const place = own.source
  const git = (...args: string[]): string => execFileSync('git', ['-C', place, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  git('init', '--quiet', '--initial-branch=main')
  writeFileSync(path.join(place, 'a'), 'one')
  execFileSync('mkdir', [path.join(place, 'sub')])
  writeFileSync(path.join(place, 'sub/b'), 'two')
  git('add', '.')
  git('commit', '--quiet', '-m', 'first')
  return { place, git, own }
}

const cloned = (own: Bench, change: Partial<Extract<CopySource, { kind: 'git' }>> = {}, destination = '/x/'): CopyStep =>
  own.step({ destination, sources: [{ kind: 'git', repository: `file://${own.source}`, keepGitDir: false, ...change }] })

void test('ADD of a git repository: its files, without or with .git, a subdirectory', { skip: hasGit }, async (context) => {
  const { own } = repository(context)
  await own.copy(cloned(own))
  assert.deepEqual(readTree(own.root), { 'x/': '', 'x/a': 'one', 'x/sub/': '', 'x/sub/b': 'two' })
  await own.copy(cloned(own, { subdirectory: 'sub' }, '/y'))
  assert.equal(readTree(own.root)['y/b'], 'two')
  await own.copy(cloned(own, { keepGitDir: true }, '/z'))
  assert.ok(existsSync(path.join(own.root, 'z/.git/HEAD')))
  await assert.rejects(own.copy(cloned(own, { subdirectory: 'none' })), /"\/none": not found/)
})

void test('branches, tags and commits are told apart, and a digest follows its branch', { skip: hasGit }, async (context) => {
  const { own, place, git } = repository(context)
  const first = git('rev-parse', 'HEAD')
  git('tag', '-a', 'v1', '-m', 'one')
  git('branch', 'old')
  const before = await own.digest(cloned(own))
  writeFileSync(path.join(place, 'a'), 'later')
  git('commit', '--quiet', '-am', 'second')
  assert.notEqual(await own.digest(cloned(own)), before)
  for (const reference of ['v1', 'old', first, 'refs/heads/old', 'refs/tags/v1']) {
    assert.equal(await own.digest(cloned(own, { reference })), before, reference)
    await own.copy(cloned(own, { reference }, `/${reference.replaceAll('/', '-')}`))
    assert.equal(readFileSync(path.join(own.root, reference.replaceAll('/', '-'), 'a'), 'utf8'), 'one', reference)
  }
})

void test('git errors: a reference, a repository, a checksum that is not there', { skip: hasGit }, async (context) => {
  const { own, git } = repository(context)
  const commit = git('rev-parse', 'HEAD')
  await assert.rejects(own.digest(cloned(own, { reference: 'none' })), /repository does not contain ref none/)
  await assert.rejects(own.digest(cloned(own, { repository: `${own.source}-none` })), /git error: /)
  await assert.rejects(own.digest(cloned(own, { checksum: 'deadbeef' })), /expected checksum to match/)
  await own.digest(cloned(own, { checksum: commit.slice(0, 12) }))
  for (const reference of ['--upload-pack=touch /tmp/x', '-x', 'a b']) await assert.rejects(own.digest(cloned(own, { reference })), /invalid git reference/)
  await assert.rejects(own.digest(cloned(own, { repository: '--upload-pack=x' })), /invalid git repository/)
  await assert.rejects(own.digest(cloned(own, { repository: 'ext::sh -c whoami' })), /git error/)
})

void test('a server that never answers keeps nobody who was told to stop', { skip: hasGit }, async (context) => {
  const silent = createTcpServer(() => controller.abort(new Error('stopped')))
  const controller = new AbortController()
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
  context.after(() => silent.close())
  const own = bench(context)
  const step = cloned(own, { repository: `git://127.0.0.1:${(silent.address() as AddressInfo).port}/x.git` })
  await assert.rejects(own.digest(step, { signal: controller.signal }), /^Error: stopped$/)
})

void test('a subdirectory that is a link out of the repository stays in it', { skip: hasGit }, async (context) => {
  const { own, git } = repository(context)
  execFileSync('ln', ['-s', '/etc', path.join(own.source, 'out')])
  git('add', '.')
  git('commit', '--quiet', '-m', 'link')
  await assert.rejects(own.copy(cloned(own, { subdirectory: 'out' })), /not found/)
})

void test('what was fetched goes when it was not used for long, half made things go at once', asRoot, async (context) => {
  const own = bench(context)
  const kept = path.join(own.source, '../private')
  const { url } = await server(context, () => ({ body: 'text' }))
  await own.copy(fetched(own, `${url}/f`))
  assert.equal(await pruneSources(kept, { before: Date.now() - 60_000 }), 0)
  assert.ok((await pruneSources(kept, { before: Date.now() + 60_000 })) >= 4)
  assert.deepEqual(readTree(kept), { 'urls/': '' })
  execFileSync('mkdir', ['-p', path.join(kept, 'git/tmp-1/x'), path.join(kept, 'git/whole'), path.join(kept, 'urls/one'), path.join(kept, 'inline')])
  for (const half of ['urls/one/tmp-2', 'inline/3']) writeFileSync(path.join(kept, half), 'x')
  sweepSources(kept)
  assert.deepEqual(readTree(kept), { 'git/': '', 'git/whole/': '', 'urls/': '', 'urls/one/': '' })
})
