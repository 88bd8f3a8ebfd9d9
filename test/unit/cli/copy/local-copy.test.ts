import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { keepTrailing, splitArgument, splitEntry, type CopyEnd } from '../../../../src/cli/copy/copy-path.ts'
import { localMembers, localSource } from '../../../../src/cli/copy/local-source.ts'
import { LocalExtractor, localDestination } from '../../../../src/cli/copy/local-target.ts'
import { prepareCopy, type Rename } from '../../../../src/cli/copy/prepare.ts'
import { ExitError } from '../../../../src/cli/exit-error.ts'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { readTar } from '../../../../src/lib/tar/reader.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'
import { layerTar, needsRoot, type Member } from '../../containerd/snapshots/layer.ts'

const scratch = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'copy-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
const extract = async (directory: string, tar: AsyncIterable<Uint8Array>, rename: Rename = (entry) => entry): Promise<void> => {
  const extractor = new LocalExtractor(directory, rename)
  try {
    await readTar(tar, extractor)
    extractor.finish()
  } finally {
    extractor.close()
  }
}

void test('an argument names a container unless it looks like a local path', () => {
  const cases: [string, string, string][] = [['web:/etc', 'web', '/etc'], ['web:', 'web', ''], ['/a:b', '', '/a:b'], ['./a:b', '', './a:b'], ['-', '', '-'], ['file', '', 'file']]
  for (const [argument, container, path] of cases) assert.deepEqual(splitArgument(argument), { container, path })
})

void test('the end of a path says what is meant', () => {
  assert.deepEqual([keepTrailing('/a', 'a/'), keepTrailing('/a', 'a/.'), keepTrailing('/a', '.'), keepTrailing('/', '/')], ['/a/', '/a/.', '/a/.', '/'])
  assert.deepEqual(splitEntry('/a/b/'), { directory: '/a', entry: 'b' })
  assert.deepEqual(splitEntry('/a/b/.'), { directory: '/a/b', entry: '.' })
  assert.deepEqual(splitEntry('/'), { directory: '/', entry: '/' })
})

const end = (path: string, fields: Partial<CopyEnd> = {}): CopyEnd => ({ path, exists: true, isDirectory: false, ...fields })
const named = ({ rename }: { rename: Rename }, name: string): string => rename(tarEntry({ name })).name

void test('members are named by the destination when that is no directory', () => {
  const missing = { exists: false }
  assert.equal(named(prepareCopy(end('/s/f'), end('/d', { isDirectory: true })), 'f'), 'f')
  assert.deepEqual(prepareCopy(end('/s/f'), end('/x/new', missing)).directory, '/x')
  assert.equal(named(prepareCopy(end('/s/f'), end('/x/new', missing)), 'f'), 'new')
  assert.equal(named(prepareCopy(end('/s/d', { isDirectory: true }), end('/x/new', missing)), 'd/d/f'), 'new/d/f')
  assert.equal(named(prepareCopy(end('/s/d/.', { isDirectory: true }), end('/x/new', missing)), './f'), 'new/f')
  assert.equal(named(prepareCopy(end('/', { isDirectory: true }), end('/x/new', missing)), '/etc'), 'new/etc')
  assert.throws(() => prepareCopy(end('/s/d', { isDirectory: true }), end('/f')), { message: 'cannot copy directory' })
  assert.throws(() => prepareCopy(end('/s/f'), end('/x/new/', missing)), { message: 'no such directory' })
})

void test('a tree is the same on the other side', { skip: needsRoot }, async () => {
  const [from, to] = [scratch(), scratch()]
  mkdirSync(join(from, 'd/e'), { recursive: true })
  writeFileSync(join(from, 'd/one'), 'one')
  linkSync(join(from, 'd/one'), join(from, 'd/two'))
  symlinkSync('one', join(from, 'd/link'))
  execFileSync('sh', ['-c', `mkfifo pipe; mknod null c 1 3; cp /bin/true able; setcap cap_net_raw=ep able; chmod 2755 e; touch -d '2020-01-02 03:04:05.123456789' one e link -h`], { cwd: join(from, 'd') })
  const source = localSource(join(from, 'd'), false)
  const { directory, rename } = prepareCopy(source, localDestination(join(to, 'copy')))
  await extract(directory, writeTar(localMembers(source, rename)))
  assert.equal(facts(join(to, 'copy')).replaceAll(/^ d.*$/gm, ''), facts(join(from, 'd')).replaceAll(/^ d.*$/gm, ''))
})

const attacks: Record<string, Member[]> = {
  'a name that climbs out': [{ name: '../x' }],
  'a link, and a file through it': [{ name: 'l', type: 'symlink', linkName: '..' }, { name: 'l/x' }],
  'a hard link that climbs out': [{ name: 'h', type: 'link', linkName: '../secret' }],
  'a hard link through a link': [{ name: 'l', type: 'symlink', linkName: '..' }, { name: 'h', type: 'link', linkName: 'l/secret' }],
}
for (const [title, members] of Object.entries(attacks)) {
  void test(`${title} is refused`, async () => {
    const directory = scratch()
    mkdirSync(join(directory, 'to'))
    writeFileSync(join(directory, 'secret'), 'secret')
    await assert.rejects(extract(join(directory, 'to'), layerTar(members)), ExitError)
    assert.deepEqual(readdirSync(directory).toSorted(), ['secret', 'to'])
    assert.equal(statSync(join(directory, 'secret')).nlink, 1)
  })
}

void test('whatever an engine sends stays in the directory', async () => {
  const directory = scratch()
  mkdirSync(join(directory, 'to'))
  writeFileSync(join(directory, 'secret'), 'secret')
  const member: fc.Arbitrary<Member> = fc.record({
    name: fc.constantFrom('a', 'b', 'a/b', '/a', './b', '../secret', 'a/../../secret', '/', '.'),
    type: fc.constantFrom('file', 'directory', 'symlink', 'link'),
    linkName: fc.constantFrom('a', '..', '../secret', join(directory, 'secret'), directory, '/'),
    text: fc.constantFrom('', 'escaped'),
  }).map((each) => (each.type === 'file' ? each : { ...each, text: '' }))
  await fc.assert(
    fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 6 }), async (members) => {
      await extract(join(directory, 'to'), layerTar(members)).catch((error: unknown) => assert.ok(error instanceof Error))
      assert.deepEqual(readdirSync(directory).toSorted(), ['secret', 'to'])
      assert.equal(readFileSync(join(directory, 'secret'), 'utf8'), 'secret')
    }),
    { numRuns: 300 },
  )
})

function facts(root: string): string {
  return execFileSync('sh', ['-c', `find . -printf '%P %y %m %T@ %l %n\\n' | sort; getcap -r .; stat -c %t:%T null; cat two`], { cwd: root }).toString()
}
