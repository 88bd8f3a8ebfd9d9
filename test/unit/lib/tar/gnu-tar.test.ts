import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, createReadStream, ftruncateSync, linkSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'
import { collectTar } from './collect.ts'

const directory = mkdtempSync(join(tmpdir(), 'tar-'))
after(() => rmSync(directory, { recursive: true }))
const longName = `deep/${'d'.repeat(120)}/${'f'.repeat(160)}`
mkdirSync(join(directory, 'tree', longName, '..'), { recursive: true })
writeFileSync(join(directory, 'tree', longName), 'long\n')
writeFileSync(join(directory, 'tree/plain'), 'x'.repeat(1000))
linkSync(join(directory, 'tree/plain'), join(directory, 'tree/second'))
symlinkSync('/absolute/'.padEnd(140, 's'), join(directory, 'tree/symlink'))
const sparse = openSync(join(directory, 'tree/sparse'), 'w')
for (let at = 0; at < 12; at++) writeSync(sparse, `piece ${at}`, at * 1_000_000)
ftruncateSync(sparse, 20_000_000)
closeSync(sparse)
const sparseContent = readFileSync(join(directory, 'tree/sparse'))

for (const format of ['v7-short', 'ustar-short', 'oldgnu', 'gnu', 'posix', 'posix 0.0', 'posix 0.1', 'posix 1.0']) {
  void test(`an archive that GNU tar wrote as ${format} is read`, async () => {
    const [name, version] = format.split(' ')
    const short = name!.endsWith('-short')
    const archive = join(directory, `${format}.tar`)
    const files = short ? ['plain', 'second'] : ['deep', 'plain', 'second', 'sparse', 'symlink']
    const options = version === undefined ? [] : [`--sparse-version=${version}`]
    execFileSync('tar', ['-C', join(directory, 'tree'), `--format=${name!.replace('-short', '')}`, ...(short ? [] : ['-S']), ...options, '-cf', archive, ...files])
    const members = new Map((await collectTar(createReadStream(archive))).map((member) => [member.entry.name, member]))
    assert.equal(members.get('plain')?.content.toString(), 'x'.repeat(1000))
    assert.deepEqual([members.get('second')?.entry.type, members.get('second')?.entry.linkName], ['link', 'plain'])
    if (short) return
    assert.equal(members.get(longName)?.content.toString(), 'long\n')
    assert.equal(members.get('symlink')?.entry.linkName.length, 140)
    assert.equal(members.get('sparse')?.entry.sparse, true)
    assert.ok(members.get('sparse')?.content.equals(sparseContent))
  })
}

void test('GNU tar reads what is written', async () => {
  const entries = [
    { entry: tarEntry({ name: 'dir', type: 'directory', mtime: 1_700_000_000_123_456_789n }) },
    { entry: tarEntry({ name: longName, size: 4, uid: 3_000_000, mode: 0o4755 }), content: [Buffer.from('text')] },
    { entry: tarEntry({ name: 'link', type: 'link', linkName: longName }) },
    { entry: tarEntry({ name: 'näme', type: 'symlink', linkName: 'ü'.repeat(80) }) },
    { entry: tarEntry({ name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 }) },
  ]
  const chunks: Buffer[] = []
  for await (const chunk of writeTar(entries)) chunks.push(chunk)
  const listing = execFileSync('tar', ['--full-time', '--quoting-style=literal', '--numeric-owner', '-tvf', '-'], { input: Buffer.concat(chunks), env: { TZ: 'UTC', PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } }).toString().trim().split('\n')
  assert.match(listing[0]!, /^drwxr-xr-x 0\/0 +0 2023-11-14 22:13:20\.123456789 dir/)
  assert.match(listing[1]!, /^-rwsr-xr-x 3000000\/0 +4 /)
  assert.ok(listing[1]!.endsWith(longName))
  assert.ok(listing[2]!.endsWith(`link link to ${longName}`))
  assert.ok(listing[3]!.endsWith(`näme -> ${'ü'.repeat(80)}`))
  assert.match(listing[4]!, /^crw-rw-rw- 0\/0 +1,3 .* null$/)
})
