import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { GantryError } from '../../../../../src/lib/errors.ts'
import { attribute, needsRoot, type Member } from '../../../containerd/snapshots/layer.ts'
import { testTree } from './tree.ts'

const asRoot = { skip: needsRoot }
const up = '../'.repeat(20)

void test('what an archive says of its members is what they become', asRoot, async () => {
  const { root, extract } = testTree()
  const mtime = 1_577_934_245_678_901_234n
  await extract([
    { name: 'd/', type: 'directory', mode: 0o2750, uid: 7, gid: 8, mtime },
    { name: 'd/f', text: 'text', mode: 0o4711, uid: 3, gid: 4, mtime, xattrs: new Map([['user.x', Buffer.from([0, 255])]]) },
    { name: 'd/h', type: 'link', linkName: 'd/f' },
    { name: 'd/l', type: 'symlink', linkName: '/etc/passwd', uid: 5, gid: 6, mtime },
    { name: 'd/p', type: 'fifo', mode: 0o640 },
    { name: 'd/n', type: 'character', mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
    { name: 'implied/parent', text: '' },
  ])
  const at = (name: string): string => join(root, 'data', name)
  const shown = execFileSync('stat', ['-c', '%n %F %a %u:%g %.9Y', 'd', 'd/f', 'd/l', 'd/p', 'd/n'], { cwd: join(root, 'data') }).toString().trim().split('\n')
  assert.deepEqual(shown.slice(0, 3), ['d directory 2750 7:8 1577934245.678901234', 'd/f regular file 4711 3:4 1577934245.678901234', 'd/l symbolic link 777 5:6 1577934245.678901234'])
  assert.match(shown[3]!, /^d\/p fifo 640 0:0/)
  assert.match(shown[4]!, /^d\/n character special file 666/)
  assert.equal(statSync(at('d/n')).rdev, 0x103)
  assert.equal(statSync(at('d/h')).ino, statSync(at('d/f')).ino)
  assert.equal(attribute(at('d/f'), 'user.x'), '00ff')
  assert.equal(statSync(at('implied')).mode & 0o777, 0o755)
})

void test('an owner takes the place of those in the archive', asRoot, async () => {
  const { root, extract } = testTree()
  await extract([{ name: 'd', type: 'directory' }, { name: 'd/f', text: 'x', uid: 9 }, { name: 'l', type: 'symlink', linkName: 'f' }], { owner: { uid: 500, gid: 501 } })
  for (const name of ['d', 'd/f', 'l']) assert.deepEqual([lstatSync(join(root, 'data', name)).uid, lstatSync(join(root, 'data', name)).gid], [500, 501], name)
})

void test('a directory keeps what is in it, and other nodes are replaced', asRoot, async () => {
  const { root, extract } = testTree()
  await extract([{ name: 'd/kept', text: '1' }, { name: 'f', text: 'old' }, { name: 'gone/deep/x', text: '' }])
  await extract([{ name: 'd', type: 'directory', mode: 0o700 }, { name: 'f', type: 'directory' }, { name: 'f/new', text: '' }, { name: 'gone', text: 'file now' }])
  assert.deepEqual([readdirSync(join(root, 'data/d')), readdirSync(join(root, 'data/f')), readFileSync(join(root, 'data/gone'), 'utf8')], [['kept'], ['new'], 'file now'])
  assert.equal(statSync(join(root, 'data/d')).mode & 0o777, 0o700)
})

void test("Docker's words for a directory that would become a file, and for the reverse", asRoot, async () => {
  const { extract } = testTree()
  await extract([{ name: 'd/x' }, { name: 'f' }])
  const strict = { noOverwriteDirNonDir: true }
  await assert.rejects(extract([{ name: 'd' }], strict), { kind: 'InvalidParameter', message: 'cannot overwrite directory "/data/d" with non-directory "/data"' })
  await assert.rejects(extract([{ name: 'f/', type: 'directory' }], strict), { kind: 'InvalidParameter', message: 'cannot overwrite non-directory "/data/f" with directory "/data"' })
})

void test('10 GiB of holes take no room', asRoot, async () => {
  const { root, extract } = testTree()
  const tar = execFileSync('sh', ['-c', 'truncate -s 10G big && printf end >> big && tar --format=posix -Scf - big && rm big'], { cwd: root })
  await extract((async function* () { yield tar })())
  const { size, blocks } = statSync(join(root, 'data/big'))
  assert.equal(size, 10 * 2 ** 30 + 3)
  assert.ok(blocks < 100, `${blocks} blocks`)
})

const refused: Record<string, { members: Member[]; reason: RegExp }> = {
  'a name that climbs out': { members: [{ name: `${up}x` }], reason: /outside/ },
  'a hard link that climbs out': { members: [{ name: 'a', type: 'link', linkName: `${up}etc/passwd` }], reason: /outside/ },
  'a hard link to itself': { members: [{ name: 'a', type: 'link', linkName: './a' }], reason: /itself/ },
  'a file in place of the destination': { members: [{ name: './' }], reason: /would replace/ },
  'a parent that is a link to nowhere': { members: [{ name: 'a', type: 'symlink', linkName: `${up}nowhere` }, { name: 'a/x' }], reason: /link to nowhere/ },
  'a parent that is a file': { members: [{ name: 'a' }, { name: 'a/x' }], reason: /not a directory/ },
  'a loop of links': { members: [{ name: 'a', type: 'symlink', linkName: 'b' }, { name: 'b', type: 'symlink', linkName: 'a' }, { name: 'a/x' }], reason: /not a directory/ },
  'a magic link': { members: [{ name: 'a', type: 'symlink', linkName: '/proc/self/root/tmp' }, { name: 'a/x' }], reason: /link to nowhere/ },
  'a device that no kernel has': { members: [{ name: 'a', type: 'block', deviceMajor: 70_000 }], reason: /no device/ },
  'a name beyond every limit': { members: [{ name: 'n'.repeat(256) }], reason: /ENAMETOOLONG/ },
}
for (const [title, { members, reason }] of Object.entries(refused)) {
  void test(`${title} is refused`, asRoot, async () => {
    const { bait, extract } = testTree()
    await assert.rejects(extract(members), (error: unknown) => error instanceof GantryError && error.kind === 'InvalidParameter' && reason.test(error.message))
    assert.deepEqual(readdirSync(bait), ['secret'])
  })
}

void test('links lead to the container, whatever they say', asRoot, async () => {
  const { root, bait, extract } = testTree()
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/passwd'), 'old')
  await extract([
    { name: 'absolute', type: 'symlink', linkName: '/etc' },
    { name: 'absolute/passwd', text: 'inside' },
    { name: 'relative', type: 'symlink', linkName: `${up}etc` },
    { name: 'relative/group', text: 'inside' },
  ])
  assert.equal(readFileSync(join(root, 'etc/passwd'), 'utf8'), 'inside')
  assert.equal(readFileSync(join(root, 'etc/group'), 'utf8'), 'inside')
  // A link in the place of a member is replaced, not followed; that what it names is a file of the host, too.
  symlinkSync(join(bait, 'secret'), join(root, 'data/victim'))
  await extract([{ name: 'victim', text: 'new', mode: 0o777, uid: 1 }])
  assert.equal(readFileSync(join(root, 'data/victim'), 'utf8'), 'new')
  assert.deepEqual([readFileSync(join(bait, 'secret'), 'utf8'), statSync(join(bait, 'secret')).uid], ['secret', 0])
})

void test('a whiteout in a copied archive is a file like others', asRoot, async () => {
  const { root, extract } = testTree()
  await extract([{ name: 'kept', text: '' }, { name: '.wh.kept', text: '' }, { name: '.wh..wh..opq', text: '' }, { name: '.wh...', text: '' }])
  assert.deepEqual(readdirSync(join(root, 'data')).toSorted(), ['.wh...', '.wh..wh..opq', '.wh.kept', 'kept'])
})

/** Exchanges two names as fast as it can (renameat2(2), RENAME_EXCHANGE). */
const exchange = `
import ctypes, sys
libc = ctypes.CDLL(None)
one, two = (name.encode() for name in sys.argv[1:3])
while True:
  libc.renameat2(-100, one, -100, two, 2)
`

void test('a process that swaps directories for links out of the container loses the race', asRoot, async () => {
  const { root, bait, extract } = testTree()
  mkdirSync(join(bait, 'deep'))
  writeFileSync(join(bait, 'deep/precious'), 'precious')
  const attacker = spawn('python3', ['-c', exchange, 'd/deep', 'd/link'], { cwd: join(root, 'data'), stdio: 'ignore' })
  after(() => attacker.kill('SIGKILL'))
  for (let round = 0; round < 150; round++) {
    // Our own cleaning up must not race.
    attacker.kill('SIGSTOP')
    while (!/^State:\tT/m.test(readFileSync(`/proc/${attacker.pid}/status`, 'utf8')));
    rmSync(join(root, 'data/d'), { recursive: true, force: true })
    mkdirSync(join(root, 'data/d/deep'), { recursive: true })
    writeFileSync(join(root, 'data/d/deep/precious'), '')
    symlinkSync(join(bait, 'deep'), join(root, 'data/d/link'))
    attacker.kill('SIGCONT')
    const members: Member[] = [{ name: 'd/deep/new', text: 'x' }, { name: 'd/deep', type: 'directory', mode: 0o711, uid: 1 }, { name: 'd', text: 'a file' }]
    await extract(members).catch((error: unknown) => assert.ok(error instanceof GantryError, String(error)))
  }
  attacker.kill('SIGKILL')
  assert.deepEqual(readdirSync(join(bait, 'deep')), ['precious'])
  assert.deepEqual([statSync(join(bait, 'deep')).mode & 0o7777, statSync(join(bait, 'deep')).uid], [0o755, 0])
})

void test('a node that is replaced by a link as soon as it is made gets nothing of what was meant for it', asRoot, async () => {
  const { root, bait, extract } = testTree({
    afterNode: (place) => {
      unlinkSync(place)
      symlinkSync(join(bait, 'secret'), place)
    },
  })
  await assert.rejects(extract([{ name: 'pipe', type: 'fifo', mode: 0o4777, uid: 500, xattrs: new Map([['user.x', Buffer.from('x')]]) }]), { kind: 'InvalidParameter', message: /something else took its place/ })
  assert.ok(lstatSync(join(root, 'data/pipe')).isSymbolicLink())
  assert.deepEqual([statSync(join(bait, 'secret')).mode & 0o7777, statSync(join(bait, 'secret')).uid, attribute(join(bait, 'secret'), 'user.x')], [0o644, 0, undefined])
})

void test('no archive writes outside, and none fails in another way', asRoot, async () => {
  const { bait, root, extract } = testTree()
  const names = ['a', 'b', 'a/b', 'A', './a', 'a/../b', `${up}bait/x`, '/a', `${bait}/x`, '.', '..', 'a/', 'b/..', '.wh.a', '.wh..wh..opq', 'c/d/e', '\uDC80x', ' ']
  const targets = ['a', 'b', '/', '..', up, bait, '/proc/self/root', `${up}${bait}`, 'a/b', '.', '', '/data', '/data/a']
  const member: fc.Arbitrary<Member> = fc.record({
    name: fc.constantFrom(...names),
    type: fc.constantFrom('file', 'directory', 'symlink', 'link', 'fifo', 'character'),
    linkName: fc.constantFrom(...targets),
    mode: fc.constantFrom(0o755, 0o4777, 0),
    text: fc.constantFrom('', 'escaped'),
  }).map((each) => (each.type === 'file' ? each : { ...each, text: '' }))
  await fc.assert(
    fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 8 }), fc.boolean(), async (members, noOverwriteDirNonDir) => {
      await extract(members, { noOverwriteDirNonDir }).catch((error: unknown) => assert.ok(error instanceof GantryError && error.kind === 'InvalidParameter', String((error as Error).stack)))
      assert.deepEqual(readdirSync(bait), ['secret'])
      assert.equal(readFileSync(join(bait, 'secret'), 'utf8'), 'secret')
    }),
    { numRuns: 400 },
  )
  assert.equal(existsSync(join(root, '..', 'x')), false)
  assert.deepEqual(readdirSync(join(root, '..')).toSorted(), ['bait', 'root'])
})
