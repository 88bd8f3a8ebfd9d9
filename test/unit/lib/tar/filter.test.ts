import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { TarFilter } from '../../../../src/lib/tar/filter.ts'
import { writeTar, type TarMember } from '../../../../src/lib/tar/writer.ts'
import { collectTar, pieces } from './collect.ts'

const directory = mkdtempSync(join(tmpdir(), 'filter-'))
after(() => rmSync(directory, { recursive: true }))
const bytesOf = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await Array.fromAsync(source))
const sparse: TarMember = {
  entry: tarEntry({ name: `${'deep/'.repeat(40)}spärse`, size: 2 ** 33 + 3, uid: 5, mtime: 1_500_000_000n, sparse: true }),
  fragments: [{ offset: 4096, length: 512 }, { offset: 2 ** 33, length: 3 }],
  content: [Buffer.from('first'.padEnd(512, '.')), Buffer.from('end')],
}
const all: TarMember[] = [{ entry: tarEntry({ name: 'a/', type: 'directory' }) }, { entry: tarEntry({ name: 'a/x', size: 5 }), content: [Buffer.from('12345')] }, sparse, { entry: tarEntry({ name: 'z' }) }]

void test('GNU tar makes the holes of a sparse file that was written', async () => {
  const archive = await bytesOf(writeTar([sparse]))
  assert.ok(archive.length < 10_240)
  execFileSync('tar', ['-C', directory, '-xf', '-'], { input: archive })
  const file = join(directory, sparse.entry.name)
  assert.equal(statSync(file).size, 2 ** 33 + 3)
  assert.ok(statSync(file).blocks < 100)
  assert.equal(execFileSync('sh', ['-c', 'dd bs=1 skip=4096 count=5 status=none < "$1"; tail -c 3 "$1"', 'sh', file]).toString(), 'firstend')
  rmSync(file)
})

void test('a filter leaves out members with their content, and keeps holes', async () => {
  const filter = new TarFilter(({ name }) => name !== 'a/x')
  const copied = await bytesOf(filter.copy(pieces(await bytesOf(writeTar(all)), 100)))
  assert.equal(filter.members, 3)
  assert.ok(copied.equals(await bytesOf(writeTar(all.filter(({ entry }) => entry.name !== 'a/x')))))
})

void test('what a filter keeps is byte for byte what it got', async () => {
  const member = fc.record({ name: fc.string({ minLength: 1, maxLength: 300 }).filter((name) => !name.includes('\0') && name.isWellFormed()), content: fc.uint8Array({ maxLength: 2000 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 5 }), fc.integer({ min: 1, max: 3000 }), async (members, size) => {
      const archive = await bytesOf(writeTar(members.map(({ name, content }) => ({ entry: tarEntry({ name, size: content.length }), content: [content] }))))
      assert.ok((await bytesOf(new TarFilter(() => true).copy(pieces(archive, size)))).equals(archive))
    }),
    { numRuns: 100 },
  )
})

void test('an empty archive stays one', async () => {
  const filter = new TarFilter(() => true)
  assert.equal((await collectTar(filter.copy(writeTar([])))).length, 0)
  assert.equal(filter.members, 0)
})
