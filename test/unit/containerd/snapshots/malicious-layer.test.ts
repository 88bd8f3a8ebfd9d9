import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'
import { attribute, chainId, layerTar, needsRoot, temporaryOverlay2, type Member } from './layer.ts'

const { snapshotter, layer, root } = temporaryOverlay2()
const outside = mkdtempSync(join(tmpdir(), 'outside-'))
after(() => rmSync(outside, { recursive: true }))
writeFileSync(join(outside, 'secret'), 'secret')
const toOutside = '../'.repeat(20) + outside.slice(1)

const refused: Record<string, { members: Member[]; reason: RegExp }> = {
  'a name that climbs out': { members: [{ name: `${toOutside}/new`, text: 'x' }], reason: /outside of the layer/ },
  'a name that climbs out through a directory': { members: [{ name: 'a/', type: 'directory' }, { name: 'a/../../x' }], reason: /outside/ },
  'a file below a link to a place that the layer lacks': {
    members: [{ name: 'a', type: 'symlink', linkName: outside }, { name: 'a/new', text: 'x' }],
    reason: /parent is a link to nowhere/,
  },
  'a file below a relative link out': {
    members: [{ name: 'a', type: 'symlink', linkName: toOutside }, { name: 'a/new', text: 'x' }],
    reason: /parent is a link to nowhere/,
  },
  'a hard link to a file outside': { members: [{ name: 'a', type: 'link', linkName: `${toOutside}/secret` }], reason: /outside of the layer/ },
  'a hard link by an absolute name': { members: [{ name: 'a', type: 'link', linkName: `${outside}/secret` }], reason: /does not exist/ },
  'a hard link through a link': {
    members: [{ name: 'a', type: 'symlink', linkName: outside }, { name: 'b', type: 'link', linkName: 'a/secret' }],
    reason: /does not exist/,
  },
  'a directory below a file': { members: [{ name: 'a', text: '' }, { name: 'a/b' }], reason: /parent is not a directory/ },
  'a loop of links': { members: [{ name: 'a', type: 'symlink', linkName: 'a' }, { name: 'a/b' }], reason: /parent is not a directory/ },
  'a magic link': { members: [{ name: 'a', type: 'symlink', linkName: '/proc/self/root' }, { name: 'a/b' }], reason: /link to nowhere/ },
  'a device number that no kernel has': { members: [{ name: 'a', type: 'block', deviceMajor: 5000 }], reason: /no device 5000:0/ },
  'a bomb of devices': {
    members: Array.from({ length: 17_000 }, (_, at) => ({ name: `d${at}`, type: 'block', deviceMajor: 8 })),
    reason: /more than 16384 devices/,
  },
  'a name that is too long': { members: [{ name: 'n'.repeat(300) }], reason: /ENAMETOOLONG/ },
  'a file in place of the root': { members: [{ name: './' }], reason: /replace the root/ },
  'a file below a directory that became a link out': {
    members: [{ name: 'a/', type: 'directory' }, { name: 'a/b', text: 'x' }, { name: 'a', type: 'symlink', linkName: outside }, { name: 'a/new', text: 'x' }],
    reason: /parent is a link to nowhere/,
  },
  'a file below a hard link to a link out': {
    members: [{ name: 'a', type: 'symlink', linkName: outside }, { name: 'b', type: 'link', linkName: 'a' }, { name: 'b/new', text: 'x' }],
    reason: /parent is a link to nowhere/,
  },
  'an opaque mark below a link out': { members: [{ name: 'a', type: 'symlink', linkName: outside }, { name: 'a/.wh..wh..opq' }], reason: /parent is a link to nowhere/ },
  'a whiteout below a link out': { members: [{ name: 'a', type: 'symlink', linkName: outside }, { name: 'a/.wh.secret' }], reason: /parent is a link to nowhere/ },
  'a whiteout of the directory itself': { members: [{ name: 'a/.wh..' }], reason: /whiteout of nothing/ },
  'a whiteout of what has no name': { members: [{ name: 'a/.wh.' }], reason: /whiteout of nothing/ },
  'a whiteout of the parent': { members: [{ name: 'a/.wh...' }], reason: /whiteout of nothing/ },
}

for (const [title, { members, reason }] of Object.entries(refused)) {
  void test(`${title} is refused and leaves nothing`, { skip: needsRoot }, async () => {
    await assert.rejects(layer(members), (error: Error & { kind?: string }) => {
      assert.equal(error.kind, 'InvalidParameter')
      assert.match(error.message, reason)
      return true
    })
    assert.deepEqual(readdirSync(root), [])
    assert.deepEqual(readdirSync(outside), ['secret'])
    assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret')
  })
}

void test('absolute names and links mean the layer itself', { skip: needsRoot }, async () => {
  mkdirSync(join(outside, 'etc'))
  const { id, directory } = await layer([
    { name: `${outside}/etc/`, type: 'directory' },
    { name: 'a', type: 'symlink', linkName: `${outside}/etc` },
    { name: 'a/passwd', text: 'inside' },
  ])
  assert.equal(readFileSync(join(directory, outside, 'etc/passwd'), 'utf8'), 'inside')
  assert.equal(existsSync(join(outside, 'etc/passwd')), false)
  await snapshotter.removeLayer(id)
})

void test('the same name many times is the last of them, whatever was before, and nothing is written through it', { skip: needsRoot }, async () => {
  const { id, directory } = await layer([
    { name: 'a', type: 'symlink', linkName: join(outside, 'secret') },
    { name: 'a', text: 'one' },
    { name: './a', type: 'fifo' },
    { name: 'a/', type: 'directory' },
    { name: 'a/x', text: 'kept' },
    { name: 'A', type: 'symlink', linkName: 'a' },
    { name: 'b//./c/', type: 'directory' },
    { name: 'b', text: 'last' },
  ])
  assert.deepEqual(readdirSync(directory).toSorted(), ['A', 'a', 'b'])
  assert.deepEqual([readFileSync(join(directory, 'a/x'), 'utf8'), readFileSync(join(directory, 'b'), 'utf8'), readFileSync(join(outside, 'secret'), 'utf8')], ['kept', 'last', 'secret'])
  await snapshotter.removeLayer(id)
})

void test('10 GiB of holes take no room, and are as many bytes to see', { skip: needsRoot }, async () => {
  const size = 10 * 2 ** 30
  const id = chainId('holes')
  const data = { offset: size - 512, length: 512 }
  await snapshotter.extract({ chainId: id, parent: undefined, tar: writeTar([{ entry: tarEntry({ name: 'holes', size, sparse: true }), content: [Buffer.alloc(512, 'x')], fragments: [data] }]) })
  const { size: seen, blocks } = statSync(join(root, id.slice(7), 'diff/holes'))
  assert.deepEqual([seen, blocks < 64], [size, true])
  await snapshotter.removeLayer(id)
})

void test('attributes of overlay itself are not taken from a tar', { skip: needsRoot }, async () => {
  const { id, directory } = await layer([
    { name: 'd/', type: 'directory', xattrs: new Map([['trusted.overlay.redirect', Buffer.from('/x')], ['user.kept', Buffer.from('1')]]) },
  ])
  assert.equal(attribute(join(directory, 'd'), 'user.kept'), '31')
  assert.equal(attribute(join(directory, 'd'), 'trusted.overlay.redirect'), undefined)
  await snapshotter.removeLayer(id)
})

void test('a tar that breaks off leaves nothing', { skip: needsRoot }, async () => {
  const whole = Buffer.concat(await Array.fromAsync(layerTar([{ name: 'a/b', text: 'x'.repeat(5000) }])))
  const tar = Readable.from([whole.subarray(0, 3000)])
  await assert.rejects(snapshotter.extract({ chainId: chainId('x'), parent: undefined, tar }), { kind: 'InvalidParameter' })
  assert.deepEqual(readdirSync(root), [])
})
