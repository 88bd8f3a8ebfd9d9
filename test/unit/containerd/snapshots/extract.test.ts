import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { attribute, layerTar, needsRoot, temporaryOverlay2 } from './layer.ts'

const { snapshotter, layer, root } = temporaryOverlay2()
const asRoot = { skip: needsRoot }

void test('owners, modes, times, links, devices and attributes arrive as they are in the tar', asRoot, async () => {
  const mtime = 1_577_836_800_123_456_789n
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  const { directory } = await layer([
    { name: './', type: 'directory' },
    { name: 'bin/', type: 'directory', mode: 0o2755, gid: 7, mtime },
    { name: 'bin/tool', text: 'tool', mode: 0o4755, uid: 1, gid: 2, mtime, xattrs: new Map([['security.capability', capability]]) },
    { name: 'bin/same', type: 'link', linkName: 'bin/tool' },
    { name: 'bin/name', type: 'symlink', linkName: '/bin/tool', uid: 3, mtime },
    { name: 'dev/null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
    { name: 'dev/disk', type: 'block', deviceMajor: 259, deviceMinor: 70_000, mode: 0o660 },
    { name: 'run/pipe', type: 'fifo', mode: 0o600 },
    { name: 'b\udcffd', text: 'no utf-8' },
  ])
  const stat = (name: string) => lstatSync(join(directory, name), { bigint: true })
  const tool = stat('bin/tool')
  assert.deepEqual([tool.uid, tool.gid, tool.mode & 0o7777n, tool.mtimeNs, tool.nlink], [1n, 2n, 0o4755n, mtime, 2n])
  assert.equal(attribute(join(directory, 'bin/tool'), 'security.capability'), capability.toString('hex'))
  assert.equal(stat('bin/same').ino, tool.ino)
  assert.deepEqual([stat('bin').mode & 0o7777n, stat('bin').gid, stat('bin').mtimeNs], [0o2755n, 7n, mtime])
  assert.deepEqual([readlinkSync(join(directory, 'bin/name')), stat('bin/name').uid, stat('bin/name').mtimeNs], ['/bin/tool', 3n, mtime])
  assert.deepEqual(execFileSync('stat', ['-c', '%F %t:%T %a', 'dev/null', 'dev/disk', 'run/pipe'], { cwd: directory }).toString().split('\n').slice(0, 3), [
    'character special file 1:3 666',
    'block special file 103:11170 660',
    'fifo 0:0 600',
  ])
  assert.ok(readdirSync(directory, { encoding: 'buffer' }).some((name) => name.equals(Buffer.from([0x62, 0xff, 0x64]))))
})

void test('whiteouts hide lower names when the layers are mounted', asRoot, async () => {
  const lower = await layer([
    { name: 'a/gone', text: '1' },
    { name: 'a/kept', text: '1' },
    { name: 'b/old', text: '1' },
    { name: 'c/old', text: '1' },
  ])
  const upper = await layer(
    [
      { name: 'a/.wh.gone' },
      { name: 'b/.wh..wh..opq' },
      { name: 'b/new', text: '2' },
      { name: '.wh.c' },
      { name: 'c/', type: 'directory' },
      { name: 'c/new', text: '2' },
      { name: '.wh..wh.plnk/x', text: 'aufs' },
    ],
    lower.id,
  )
  await snapshotter.prepare('whiteouts', upper.id)
  const mount = snapshotter.mount('whiteouts')
  assert.ok(mount.type === 'overlay')
  const options = `lowerdir=${mount.lower.join(':')},upperdir=${mount.upper},workdir=${mount.work}`
  const script = 'mount -t overlay overlay -o "$1" "$2" && cd "$2" && find . -type f | sort'
  const listing = execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', options, snapshotter.mountpoint('whiteouts')]).toString()
  assert.deepEqual(listing.trim().split('\n').filter((line) => !line.includes('plnk')), ['./a/kept', './b/new', './c/new'])
  await snapshotter.remove('whiteouts')
})

void test('a later member replaces an earlier one, and a directory keeps what is in it', asRoot, async () => {
  const { directory } = await layer([
    { name: 'x', text: 'first' },
    { name: 'x', text: 'second' },
    { name: 'd/f', text: 'kept' },
    { name: 'd', type: 'directory', mode: 0o700 },
    { name: 'e/f', text: 'lost' },
    { name: 'e', text: 'file now' },
    { name: 'l', type: 'symlink', linkName: 'd' },
    { name: 'l', type: 'directory' },
    { name: 'l/own', text: 'own' },
  ])
  assert.equal(readFileSync(join(directory, 'x'), 'utf8'), 'second')
  assert.equal(readFileSync(join(directory, 'd/f'), 'utf8'), 'kept')
  assert.equal(readFileSync(join(directory, 'e'), 'utf8'), 'file now')
  assert.deepEqual(readdirSync(join(directory, 'd')), ['f'])
  assert.deepEqual(readdirSync(join(directory, 'l')), ['own'])
})

void test('many directories deep and wide are more than may be open at once', asRoot, async () => {
  const members = Array.from({ length: 600 }, (_, at) => ({ name: `${at % 300}/${'deep/'.repeat(at % 7)}f${at}`, text: String(at) }))
  const { directory } = await layer([...members, { name: 'link', type: 'link', linkName: '0/f0' }])
  for (const { name, text } of members) assert.equal(readFileSync(join(directory, name), 'utf8'), text)
})

void test('extraction again of a layer that is there does nothing', asRoot, async () => {
  const { id } = await layer([{ name: 'x', text: '12345' }])
  const again = await snapshotter.extract({ chainId: id, parent: undefined, tar: layerTar([{ name: 'other' }]) })
  assert.equal(again.size, 5)
  assert.deepEqual(readdirSync(join(root, id.slice(7), 'diff')), ['x'])
})
