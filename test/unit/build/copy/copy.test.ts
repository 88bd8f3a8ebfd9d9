import assert from 'node:assert/strict'
import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'
import type { CopyStep } from '../../../../src/build/plan/contract.ts'
import { attributes, bench, needsRoot, readTree, type Tree } from './trees.ts'

const asRoot = { skip: needsRoot }

interface Case {
  says: string
  from: string | string[]
  to: string
  source: Tree
  image?: Tree
  change?: Partial<CopyStep>
  /** What the image has afterwards; or the error. */
  gives: Record<string, string> | RegExp
}

const cases: Case[] = [
  { says: 'a file under a new name', from: 'a', to: '/b', source: { a: '1' }, gives: { b: '1' } },
  { says: 'a file into a directory that is made', from: 'a', to: '/d/', source: { a: '1' }, gives: { 'd/': '', 'd/a': '1' } },
  { says: 'a file into a directory that is there, without a slash', from: 'a', to: '/d', source: { a: '1' }, image: { d: { in: {} } }, gives: { 'd/': '', 'd/a': '1' } },
  { says: 'a file with missing parents', from: 'x/a', to: '/p/q/r', source: { 'x/a': '1' }, gives: { 'p/': '', 'p/q/': '', 'p/q/r': '1' } },
  { says: 'the contents of a directory', from: 'd/', to: '/x', source: { 'd/a': '1', 'd/e/b': '2' }, gives: { 'x/': '', 'x/a': '1', 'x/e/': '', 'x/e/b': '2' } },
  { says: 'the contents of a directory without slashes', from: 'd', to: '/x/', source: { 'd/a': '1' }, gives: { 'x/': '', 'x/a': '1' } },
  { says: 'everything', from: '.', to: '/', source: { a: '1', 'd/b': '2' }, gives: { a: '1', 'd/': '', 'd/b': '2' } },
  { says: 'an empty directory', from: 'd', to: '/x', source: { d: { in: {} } }, gives: { 'x/': '' } },
  { says: 'a directory over one that is there: files are replaced, others stay', from: 'd', to: '/x', source: { 'd/a': 'new', 'd/s/b': '2' }, image: { 'x/a': 'old', 'x/c': '3', 'x/s/d': '4' }, gives: { 'x/': '', 'x/a': 'new', 'x/c': '3', 'x/s/': '', 'x/s/b': '2', 'x/s/d': '4' } },
  { says: 'several files', from: ['a', 'b'], to: '/d/', source: { a: '1', b: '2' }, gives: { 'd/': '', 'd/a': '1', 'd/b': '2' } },
  { says: 'several directories into one', from: ['a', 'b'], to: '/d/', source: { 'a/1': '1', 'b/2': '2' }, gives: { 'd/': '', 'd/1': '1', 'd/2': '2' } },
  { says: 'what a star matches', from: '*.go', to: '/d/', source: { 'a.go': '1', 'b.go': '2', 'c.js': '3', 'x/d.go': '4' }, gives: { 'd/': '', 'd/a.go': '1', 'd/b.go': '2' } },
  { says: 'what a question mark matches', from: '?.go', to: '/d/', source: { 'a.go': '1', 'bb.go': '2' }, gives: { 'd/': '', 'd/a.go': '1' } },
  { says: 'what a class matches', from: '[a-b].go', to: '/d/', source: { 'a.go': '1', 'c.go': '2' }, gives: { 'd/': '', 'd/a.go': '1' } },
  { says: 'a bracket that is escaped by a class', from: 'arr[[]0].txt', to: '/d/', source: { 'arr[0].txt': '1', 'arr0.txt': '2' }, gives: { 'd/': '', 'd/arr[0].txt': '1' } },
  { says: 'a star between slashes', from: 'a/*/c', to: '/d/', source: { 'a/1/c': '1', 'a/2/c': 'x', 'a/2/d': '2' }, gives: { 'd/': '', 'd/c': 'x' } },
  { says: 'a star that matches a directory takes its contents', from: 'a/*', to: '/d/', source: { 'a/x/1': '1', 'a/2': '2' }, gives: { 'd/': '', 'd/1': '1', 'd/2': '2' } },
  { says: 'a star that matches nothing', from: ['a', 'none*'], to: '/d/', source: { a: '1' }, gives: { 'd/': '', 'd/a': '1' } },
  { says: 'a star below what is not there', from: 'none/*', to: '/d/', source: { a: '1' }, gives: /^lstat \/none: no such file or directory$/ },
  { says: 'a pattern that is none', from: '[a', to: '/d/', source: { a: '1' }, gives: /^syntax error in pattern$/ },
  { says: 'a file that is not there', from: 'x', to: '/d/', source: { a: '1' }, gives: /^"\/x": not found$/ },
  { says: 'a file below a file', from: 'a/b', to: '/d/', source: { a: '1' }, gives: /^"\/a\/b": not found$/ },
  { says: 'a source above the context is one in it', from: '../../a', to: '/b', source: { a: '1' }, gives: { b: '1' } },
  { says: 'links inside a directory stay links', from: 'd', to: '/x', source: { 'd/a': '1', 'd/l': { link: 'a' }, 'd/out': { link: '/etc/passwd' } }, gives: { 'x/': '', 'x/a': '1', 'x/l': '-> a', 'x/out': '-> /etc/passwd' } },
  { says: 'a link that is named is followed', from: 'l', to: '/x', source: { a: '1', l: { link: 'a' } }, gives: { x: '1' } },
  { says: 'a link that is named gives its own name', from: 'l', to: '/d/', source: { a: '1', l: { link: 'a' } }, gives: { 'd/': '', 'd/l': '1' } },
  { says: 'a link to a directory that is named', from: 'l', to: '/x', source: { 'd/a': '1', l: { link: 'd' } }, gives: { 'x/': '', 'x/a': '1' } },
  { says: 'a link out of the context leads into it', from: 'l', to: '/x', source: { 'etc/passwd': 'mine', l: { link: '../../../../etc/passwd' } }, gives: { x: 'mine' } },
  { says: 'an absolute link out of the context finds nothing', from: 'l', to: '/x', source: { l: { link: '/etc/passwd' } }, gives: /^"\/l": not found$/ },
  { says: 'links in a circle', from: 'l', to: '/x', source: { l: { link: 'm' }, m: { link: 'l' } }, gives: /too many links/ },
  { says: 'a destination behind a link of the image', from: 'a', to: '/l/', source: { a: '1' }, image: { real: { in: {} }, l: { link: '/real' } }, gives: { l: '-> /real', 'real/': '', 'real/a': '1' } },
  { says: 'a destination behind a link that leads out stays inside', from: 'a', to: '/l/', source: { a: '1' }, image: { l: { link: '../../../tmp/x' } }, gives: { a: undefined as never, l: '-> ../../../tmp/x', 'tmp/': '', 'tmp/x/': '', 'tmp/x/a': '1' } },
  { says: 'a file over a link writes what it names', from: 'a', to: '/l', source: { a: '1' }, image: { old: '0', l: { link: 'old' } }, gives: { l: '-> old', old: '1' } },
  { says: 'a file over a link inside a directory replaces the link', from: 'd', to: '/x', source: { 'd/l': '1' }, image: { 'x/old': '0', 'x/l': { link: 'old' } }, gives: { 'x/': '', 'x/l': '1', 'x/old': '0' } },
  { says: 'a file over a directory', from: 'd', to: '/x', source: { 'd/a': '1' }, image: { 'x/a/b': '2' }, gives: /^cannot replace to directory \/x\/a with file$/ },
  { says: 'a directory over a file', from: 'd', to: '/x', source: { 'd/a': '1' }, image: { x: '2' }, gives: /^cannot copy to non-directory: \/x$/ },
  { says: 'a directory over a file, deeper', from: 'd', to: '/x', source: { 'd/a/b': '1' }, image: { 'x/a': '2' }, gives: /^cannot copy to non-directory: \/x\/a$/ },
  { says: 'a directory over a link to a directory', from: 'd', to: '/', source: { 'd/lib/b': '1' }, image: { 'usr/lib': { in: {} }, lib: { link: 'usr/lib' } }, gives: /^cannot copy to non-directory: \/lib$/ },
  { says: 'a destination below a file', from: 'a', to: '/f/b', source: { a: '1' }, image: { f: '2' }, gives: /^mkdir \/f: not a directory$/ },
  { says: 'hard links stay links', from: 'd', to: '/x', source: { 'd/a': '1', 'd/b': { hard: 'd/a' } }, gives: { 'x/': '', 'x/a': '1', 'x/b': '1' } },
  { says: 'without what is excluded', from: 'd', to: '/x', source: { 'd/a.md': '1', 'd/b': '2', 'd/s/c.md': '3', 'd/s/d': '4' }, change: { excludes: ['*.md'] }, gives: { 'x/': '', 'x/b': '2', 'x/s/': '', 'x/s/c.md': '3', 'x/s/d': '4' } },
  { says: 'without what is excluded anywhere', from: 'd', to: '/x', source: { 'd/a.md': '1', 'd/s/c.md': '3', 'd/s/d': '4' }, change: { excludes: ['**/*.md'] }, gives: { 'x/': '', 'x/s/': '', 'x/s/d': '4' } },
  { says: 'without an excluded directory but for an exception', from: 'd', to: '/x', source: { 'd/s/c': '3', 'd/s/d': '4', 'd/t': '5' }, change: { excludes: ['s', '!s/d'] }, gives: { 'x/': '', 'x/s/': '', 'x/s/d': '4', 'x/t': '5' } },
  { says: 'of what a star matches, without what is excluded', from: 'hom*', to: '/d/', source: { 'home.txt': '1', 'home.md': '2' }, change: { excludes: ['*.txt'] }, gives: { 'd/': '', 'd/home.md': '2' } },
  { says: 'with parents', from: 'a/b/c', to: '/x/', source: { 'a/b/c': '1', 'a/d': '2' }, change: { parents: true }, gives: { 'x/': '', 'x/a/': '', 'x/a/b/': '', 'x/a/b/c': '1' } },
  { says: 'with parents of several', from: ['a/1', 'b/c/2'], to: '/x/', source: { 'a/1': '1', 'b/c/2': '2' }, change: { parents: true }, gives: { 'x/': '', 'x/a/': '', 'x/a/1': '1', 'x/b/': '', 'x/b/c/': '', 'x/b/c/2': '2' } },
  { says: 'with parents from a pivot', from: 'a/./b/c', to: '/x/', source: { 'a/b/c': '1' }, change: { parents: true }, gives: { 'x/': '', 'x/b/': '', 'x/b/c': '1' } },
  { says: 'with parents of what a star matches', from: '*/*.json', to: '/x/', source: { 'a/p.json': '1', 'a/q': '', 'b/p.json': '2', 'c/q': '' }, change: { parents: true }, gives: { 'x/': '', 'x/a/': '', 'x/a/p.json': '1', 'x/b/': '', 'x/b/p.json': '2' } },
  { says: 'with parents of what two stars match', from: '**/p.json', to: '/x/', source: { 'p.json': '0', 'a/b/p.json': '1', 'c/q': '' }, change: { parents: true }, gives: { 'x/': '', 'x/a/': '', 'x/a/b/': '', 'x/a/b/p.json': '1', 'x/p.json': '0' } },
  { says: 'with parents of a directory', from: 'a/b', to: '/x/', source: { 'a/b/c/d': '1', 'a/z': '' }, change: { parents: true }, gives: { 'x/': '', 'x/a/': '', 'x/a/b/': '', 'x/a/b/c/': '', 'x/a/b/c/d': '1' } },
  { says: 'with parents of what is not there', from: 'a/b', to: '/x/', source: { a: '1' }, change: { parents: true }, gives: /^"\/a\/b": not found$/ },
  { says: 'a heredoc', from: [], to: '/d/', source: {}, change: { sources: [{ kind: 'inline', name: 'EOF', content: 'text\n' }] }, gives: { 'd/': '', 'd/EOF': 'text\n' } },
  { says: 'a heredoc as a file', from: [], to: '/f', source: {}, change: { sources: [{ kind: 'inline', name: 'EOF', content: 'text\n' }] }, gives: { f: 'text\n' } },
]

for (const { says, from, to, source, image = {}, change = {}, gives } of cases) {
  void test(`COPY takes ${says}`, asRoot, async (context) => {
    const own = bench(context, { source, image })
    const step = own.step({ from, destination: to, ...change })
    if (gives instanceof RegExp) {
      await assert.rejects(own.copy(step), { message: gives })
      return
    }
    await own.digest(step)
    await own.copy(step)
    assert.deepEqual(readTree(own.root), JSON.parse(JSON.stringify(gives)))
  })
}

void test('modes, owners and times are those of the source, directories that are made belong to root', asRoot, async (context) => {
  const own = bench(context, { source: { 'd/f': { text: '1', mode: 0o4711, owner: [12, 34] }, 'd/s': { mode: 0o2770, owner: [5, 6], in: { x: '' } } } })
  utimesSync(path.join(own.source, 'd/f'), 1000, 1000)
  utimesSync(path.join(own.source, 'd/s'), 2000, 2000)
  await own.copy(own.step({ from: 'd', destination: '/x/y' }))
  assert.equal(attributes(own.root, 'x/y/f'), '4711 12:34')
  assert.equal(attributes(own.root, 'x/y/s'), '2770 5:6')
  assert.equal(attributes(own.root, 'x'), '755 0:0')
  assert.equal(attributes(own.root, 'x/y'), '755 0:0')
  assert.equal(lstatSync(path.join(own.root, 'x/y/f')).mtimeMs, 1_000_000)
  assert.equal(lstatSync(path.join(own.root, 'x/y/s')).mtimeMs, 2_000_000)
})

void test('a directory that is there takes the attributes of its copy, the destination itself does not', asRoot, async (context) => {
  const own = bench(context, { source: { d: { mode: 0o700, in: { s: { mode: 0o711, owner: [1, 1], in: {} } } } }, image: { x: { mode: 0o777, owner: [9, 9], in: { s: { mode: 0o777, owner: [9, 9], in: {} } } } } })
  await own.copy(own.step({ from: 'd', destination: '/x' }))
  assert.equal(attributes(own.root, 'x'), '777 9:9')
  assert.equal(attributes(own.root, 'x/s'), '711 1:1')
})

const owners: [chown: string, expected: string | RegExp][] = [
  ['1000', '1000:1000'],
  ['1000:7', '1000:7'],
  ['anna', '1001:1002'],
  ['anna:staff', '1001:50'],
  ['5:staff', '5:50'],
  ['anna:0', '1001:0'],
  ['', '0:0'],
  ['nobody', /can't find uid for user nobody: no such user: nobody/],
  ['anna:none', /can't find gid for group none: no such group: none/],
  ['4294967295', /uids and gids must be in range/],
]
for (const [chown, expected] of owners) {
  void test(`--chown=${chown} gives ${expected}`, asRoot, async (context) => {
    const image = { 'etc/passwd': 'root:x:0:0::/:/bin/sh\nanna:x:1001:1002:Anna:/home/anna:/bin/sh\n', 'etc/group': 'root:x:0:\nstaff:x:50:anna\n' }
    const own = bench(context, { source: { 'd/a': '', 'd/l': { link: 'a' } }, image })
    const copying = own.copy(own.step({ from: 'd', destination: '/p/q', chown }))
    if (expected instanceof RegExp) return await assert.rejects(copying, expected)
    await copying
    for (const name of ['p', 'p/q', 'p/q/a', 'p/q/l']) assert.ok(attributes(own.root, name).endsWith(` ${expected}`), `${name}: ${attributes(own.root, name)}`)
  })
}

void test('the passwd of an image that is a link out of it is one of its own', asRoot, async (context) => {
  const own = bench(context, { source: { a: '' }, image: { 'etc/passwd': { link: '/../../../../etc/passwd' } } })
  await assert.rejects(own.copy(own.step({ from: 'a', destination: '/a', chown: 'root' })), /too many links|no such user/)
})

const modes: [chmod: string, file: string, directory: string][] = [
  ['600', '600', '600'],
  ['0755', '755', '755'],
  ['4755', '4755', '4755'],
  ['u+x', '744', '755'],
  ['a=r', '444', '444'],
  ['go-r', '600', '711'],
  ['u=rwX,go=rX', '644', '755'],
  ['+x', '755', '755'],
  ['u=rw,g=u,o=', '660', '660'],
  ['u+s,g+s,+t', '7644', '7755'],
  ['a-w+x', '555', '555'],
]
for (const [chmod, file, directory] of modes) {
  void test(`--chmod=${chmod} makes 644 to ${file} and a directory's 755 to ${directory}`, asRoot, async (context) => {
    const own = bench(context, { source: { 'd/a': { text: '', mode: 0o644 }, 'd/s': { mode: 0o755, in: {} } } })
    await own.copy(own.step({ from: 'd', destination: '/x', chmod }))
    assert.equal(attributes(own.root, 'x/a').split(' ')[0], file)
    assert.equal(attributes(own.root, 'x/s').split(' ')[0], directory)
  })
}

for (const chmod of ['', '8', '10000', 'u', 'u+q', 'x+r', '99']) {
  void test(`--chmod=${chmod} is refused`, asRoot, async (context) => {
    const own = bench(context, { source: { a: '' } })
    await assert.rejects(own.copy(own.step({ from: 'a', destination: '/a', chmod })), /invalid chmod parameter/)
  })
}

void test('a copy of hard links is hard links', asRoot, async (context) => {
  const own = bench(context, { source: { 'd/a': '1', 'd/s/b': { hard: 'd/a' }, 'd/c': '1' } })
  await own.copy(own.step({ from: 'd', destination: '/x' }))
  const [a, b, c] = ['x/a', 'x/s/b', 'x/c'].map((name) => statSync(path.join(own.root, name)).ino)
  assert.equal(a, b)
  assert.notEqual(a, c)
})

void test('holes stay holes', asRoot, async (context) => {
  const own = bench(context)
  const big = path.join(own.source, 'big')
  writeFileSync(big, '')
  truncateSync(big, 64 << 20)
  writeFileSync(big, 'end', { flag: 'r+' })
  await own.copy(own.step({ from: 'big', destination: '/big' }))
  const stats = statSync(path.join(own.root, 'big'))
  assert.equal(stats.size, 64 << 20)
  assert.ok(stats.blocks * 512 < 1 << 20, `${stats.blocks} blocks`)
})

void test('times are cut to SOURCE_DATE_EPOCH, those of directories that were written to as well', asRoot, async (context) => {
  const own = bench(context, { source: { 'd/new': '', 'd/old': '', 'd/s/x': '' }, image: { 'x/keep': '' } })
  utimesSync(path.join(own.source, 'd/old'), 500, 500)
  await own.copy(own.step({ from: 'd', destination: '/x' }), { sourceDateEpoch: 1000 })
  const seconds = (name: string): number => lstatSync(path.join(own.root, name)).mtimeMs / 1000
  assert.deepEqual(['x/new', 'x/old', 'x/s/x', 'x/s', 'x'].map(seconds), [1000, 500, 1000, 1000, 1000])
})

void test('a build that is cancelled stops copying', asRoot, async (context) => {
  const own = bench(context)
  mkdirSync(path.join(own.source, 'd'))
  for (let index = 0; index < 3000; index++) writeFileSync(path.join(own.source, 'd', String(index)), 'x')
  const controller = new AbortController()
  const copying = own.copy(own.step({ from: 'd', destination: '/x' }), { signal: controller.signal })
  controller.abort(new Error('canceled'))
  await assert.rejects(copying, /canceled/)
})

void test('pipes and devices are copied as such', asRoot, async (context) => {
  const own = bench(context, { source: { d: { in: {} } } })
  const result = await linuxKernel.tool(['mkfifo', path.join(own.source, 'd/pipe')])
  assert.equal(result.code, 0)
  await linuxKernel.tool(['mknod', path.join(own.source, 'd/null'), 'c', '1', '3'])
  chmodSync(path.join(own.source, 'd/null'), 0o666)
  await own.digest(own.step({ from: 'd', destination: '/x' }))
  await own.copy(own.step({ from: 'd', destination: '/x' }))
  assert.ok(lstatSync(path.join(own.root, 'x/pipe')).isFIFO())
  assert.ok(lstatSync(path.join(own.root, 'x/null')).isCharacterDevice())
  assert.equal(lstatSync(path.join(own.root, 'x/null')).rdev, lstatSync('/dev/null').rdev)
})

void test('extended attributes go along, capabilities of files too', asRoot, async (context) => {
  const own = bench(context, { source: { 'd/a': '1' } })
  const capability = Buffer.from('0000000200040000000000000000000000000000', 'hex')
  capability.writeUInt32LE(0x0200_0000, 0)
  const set = (name: string, value: Buffer): void => assert.equal(linuxKernel.syscall(nr('setxattr'), path.join(own.source, 'd/a'), name, value, value.length, 0), 0)
  set('security.capability', capability)
  set('user.note', Buffer.from('text'))
  await own.copy(own.step({ from: 'd', destination: '/x', chown: '5' }))
  const read = (name: string): string => {
    const value = Buffer.alloc(64)
    const length = linuxKernel.syscall(nr('getxattr'), path.join(own.root, 'x/a'), name, value, value.length)
    assert.ok(length > 0, `${name}: ${length}`)
    return value.subarray(0, length).toString('hex')
  }
  assert.equal(read('security.capability'), capability.toString('hex'))
  assert.equal(read('user.note'), Buffer.from('text').toString('hex'))
})

void test('a linked copy is put into an empty root, its owner is looked up in the parent', asRoot, async (context) => {
  const own = bench(context, { source: { 'd/a': '1' }, image: { 'etc/passwd': 'anna:x:7:8::/:\n' } })
  const layer = path.join(own.source, '../layer')
  mkdirSync(layer)
  await own.copier.copyInto(own.step({ from: 'd', destination: '/p/q/', chown: 'anna', link: true }), layer, { rootOf: async ({ kind }) => (kind === 'tree' ? own.source : own.root), signal: new AbortController().signal })
  assert.deepEqual(readTree(layer), { 'p/': '', 'p/q/': '', 'p/q/a': '1' })
  assert.equal(attributes(layer, 'p/q/a'), '644 7:8')
})

void test('an image whose passwd is a pipe, a directory or without end holds nobody up', asRoot, async (context) => {
  const own = bench(context, { source: { a: '' }, image: { etc: { in: {} } } })
  const passwd = path.join(own.root, 'etc/passwd')
  const refused = async (): Promise<void> => await assert.rejects(own.copy(own.step({ from: 'a', destination: '/a', chown: 'anna' })), /no such user: anna/)
  await linuxKernel.tool(['mkfifo', passwd])
  await refused()
  await linuxKernel.tool(['rm', passwd])
  mkdirSync(passwd)
  await refused()
  await linuxKernel.tool(['rmdir', passwd])
  writeFileSync(passwd, '')
  truncateSync(passwd, 2 ** 40)
  await refused()
})

void test('names that are no UTF-8 are copied byte by byte', asRoot, async (context) => {
  const own = bench(context, { source: { d: { in: {} } } })
  const name = Buffer.from([0x61, 0xff, 0x62])
  writeFileSync(Buffer.concat([Buffer.from(`${own.source}/d/`), name]), 'x')
  await own.digest(own.step({ from: 'd', destination: '/x' }))
  await own.copy(own.step({ from: 'd', destination: '/x' }))
  assert.deepEqual(readdirSync(path.join(own.root, 'x'), { encoding: 'buffer' }), [name])
})

const inode = (place: string): number => lstatSync(place).ino

void test('files of a tree that goes away become those of the target, unless they would differ', asRoot, async (context) => {
  const own = bench(context, { source: { 'd/a': { text: '1', mode: 0o640, owner: [0, 0] }, 'd/b': { hard: 'd/a' }, 'd/c': { text: '2', owner: [0, 0] }, 'd/s/e': { text: '3', owner: [7, 8] } } })
  const give = async (step: Parameters<typeof own.step>[0]): Promise<void> => await own.copy(own.step(step), { disposable: () => true })
  await give({ from: 'd', destination: '/x/' })
  assert.deepEqual(readTree(own.root), { 'x/': '', 'x/a': '1', 'x/b': '1', 'x/c': '2', 'x/s/': '', 'x/s/e': '3' })
  assert.equal(inode(path.join(own.root, 'x/c')), inode(path.join(own.source, 'd/c')))
  assert.notEqual(inode(path.join(own.root, 'x/a')), inode(path.join(own.source, 'd/a')), 'two names in the source')
  assert.deepEqual([statSync(path.join(own.root, 'x/a')).nlink, attributes(own.root, 'x/a'), attributes(own.root, 'x/s/e')], [2, '640 0:0', '644 7:8'])
  await give({ from: 'd', destination: '/y/' })
  assert.notEqual(inode(path.join(own.root, 'y/c')), inode(path.join(own.root, 'x/c')), 'it is given once')
  await give({ from: 'd/s', destination: '/z/', chown: '9:9' })
  assert.deepEqual([attributes(own.root, 'z/e'), attributes(own.source, 'd/s/e')], ['644 9:9', '644 7:8'])
})
