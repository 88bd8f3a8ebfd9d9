import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { bytesOf, dockerArchive, leftovers, needsRoot, source, tarOf, temporaryStore } from './archive.ts'
import { layerTar, type Member } from '../snapshots/layer.ts'

const good = await dockerArchive({ tags: ['x:1'], layers: [[{ name: 'a', text: 'a'.repeat(20_000) }], [{ name: 'b' }]] })
const evilLayer = await dockerArchive({ tags: ['x:1'], layers: [[{ name: 'ok' }], [{ name: '../../escape', text: 'x' }]] })
const members = async (...list: Member[]) => source(await bytesOf(layerTar(list)))
const manifest = (Config: string, Layers: string[] = []) => ({ name: 'manifest.json', text: JSON.stringify([{ Config, RepoTags: null, Layers }]) })
const document = (change: object) => ({
  name: 'c.json',
  text: JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] }, ...change }),
})

const indexType = 'application/vnd.oci.image.index.v1+json'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const layout = (manifests: object[], blobs: Member[]) => members({ name: 'oci-layout', text: '{"imageLayoutVersion":"1.0.0"}' }, { name: 'index.json', text: JSON.stringify({ schemaVersion: 2, manifests }) }, ...blobs)
const blobOf = (text: string) => ({ digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, text })
const memberOf = ({ digest, text }: { digest: string; text: string }): Member => ({ name: `blobs/${digest.replace(':', '/')}`, text })
const nested = (index: object) => {
  const blob = blobOf(JSON.stringify(index))
  return layout([{ mediaType: indexType, digest: blob.digest }], [memberOf(blob)])
}
/** Each level lists the one below a thousand times: a reader that follows all of them has 10^12 to read. */
function indexBomb() {
  const blobs = [blobOf('{"manifests":[]}')]
  for (let depth = 0; depth < 4; depth++) blobs.unshift(blobOf(JSON.stringify({ manifests: Array.from({ length: 1000 }, () => ({ mediaType: indexType, digest: blobs[0]!.digest, platform: { os: 'linux', architecture: `${depth}` } })) })))
  return layout([{ mediaType: indexType, digest: blobs[0]!.digest }], blobs.map(memberOf))
}

const refused: Record<string, { archive: () => Promise<AsyncIterable<Uint8Array>> | AsyncIterable<Uint8Array>; reason: RegExp }> = {
  'a layer that climbs out': { archive: () => source(evilLayer.archive), reason: /outside of the layer/ },
  'a member that climbs out': { archive: () => members({ name: '../../manifest.json' }), reason: /outside of it/ },
  'a link that leaves the archive': {
    archive: () => members({ name: 'manifest.json', type: 'symlink', linkName: '/etc/passwd' }),
    reason: /links to "\/etc\/passwd" outside/,
  },
  'a device': { archive: () => members({ name: 'manifest.json', type: 'character', deviceMajor: 1, deviceMinor: 5 }), reason: /character node/ },
  'a member twice': { archive: () => members({ name: 'a' }, { name: './a' }), reason: /in it twice/ },
  'a loop of links': {
    archive: () => members({ name: 'manifest.json', type: 'symlink', linkName: 'b' }, { name: 'b', type: 'symlink', linkName: 'manifest.json' }),
    reason: /neither manifest\.json/,
  },
  'a truncated archive': { archive: () => source(good.archive.subarray(0, 12_000)), reason: /truncated/ },
  'a truncated gzip': { archive: () => source(gzipSync(good.archive).subarray(0, 300)), reason: /unexpected end of file/ },
  '1 GiB of zeros': { archive: () => Readable.from(Array.from({ length: 1024 }, () => Buffer.alloc(1 << 20))), reason: /bytes follow its end/ },
  'no archive at all': { archive: () => source(Buffer.from('#!/bin/sh\n'.repeat(100))), reason: /checksum/ },
  'nothing': { archive: () => source(Buffer.alloc(0)), reason: /neither manifest\.json/ },
  'a manifest that is no JSON': { archive: () => members({ name: 'manifest.json', text: '{' }), reason: /no JSON/ },
  'a manifest that is no list': { archive: () => members({ name: 'manifest.json', text: '{}' }), reason: /no list/ },
  'a huge manifest': { archive: async () => source(await tarOf([{ name: 'manifest.json', bytes: Buffer.alloc(9 << 20, ' ') }])), reason: /more than 8388608/ },
  'a manifest that names a file outside': { archive: () => members(manifest('../../etc/passwd')), reason: /outside of it/ },
  'a manifest that names a missing file': { archive: () => members(manifest('/etc/passwd')), reason: /no file/ },
  'a configuration without layers': { archive: () => members(manifest('c.json'), { name: 'c.json', text: '{}' }), reason: /no rootfs/ },
  'a configuration with wrong types': {
    archive: () => members(manifest('c.json'), document({ config: { Env: [1] } })),
    reason: /config\.Env is no list of strings/,
  },
  'an image of another system': { archive: () => members(manifest('c.json'), document({ os: 'windows' })), reason: /windows/ },
  'more layers than a configuration has': {
    archive: () => members(manifest('c.json', ['l']), document({}), { name: 'l' }),
    reason: /layers length mismatch: expected 1, got 0/,
  },
  'a layer with another digest': {
    archive: () => members(manifest('c.json', ['l']), document({ rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } }), { name: 'l', text: '\0'.repeat(1024) }),
    reason: /invalid diffID for layer 0: expected "sha256:0{64}", got/,
  },
  'an index that is another than its name says': { archive: () => layout([{ mediaType: indexType, digest: `sha256:${'0'.repeat(64)}` }], [{ name: `blobs/sha256/${'0'.repeat(64)}`, text: '{"manifests":[]}' }]), reason: /does not match the expected/ },
  'an index of nothing': { archive: () => nested({ manifests: [] }), reason: /has no image for this platform/ },
  'an index whose images are not there': { archive: () => nested({ manifests: [{ mediaType: manifestType, digest: `sha256:${'1'.repeat(64)}`, platform: { os: 'linux', architecture: 'riscv64' } }] }), reason: /has no image for this platform/ },
  'a bomb of indexes in indexes': { archive: indexBomb, reason: /nested too deep|has no image for this platform/ },
  'the format before manifests': { archive: () => members({ name: 'repositories', text: '{}' }), reason: /before Docker 1\.10/ },
}

for (const [title, { archive, reason }] of Object.entries(refused)) {
  void test(`${title} is refused and leaves nothing`, { skip: needsRoot }, async () => {
    const { store, root } = temporaryStore()
    await assert.rejects(store.load(await archive(), () => undefined), (error: Error & { kind?: string }) => {
      assert.equal(error.kind, 'InvalidParameter', error.stack)
      assert.match(error.message, reason)
      return true
    })
    assert.deepEqual(leftovers(root), [])
    assert.deepEqual(store.list(), [])
  })
}

void test('the sender is heard out when an archive is refused, so that the answer can reach it', { skip: needsRoot }, async () => {
  const { store } = temporaryStore()
  let sent = 0
  const sender: Readable = new Readable({
    read: () => void sender.push(++sent === 200 ? null : Buffer.alloc(4096, 'x')),
  })
  await assert.rejects(store.load(sender, () => undefined), { kind: 'InvalidParameter' })
  assert.equal(sent, 200)
})

void test('a source that breaks leaves nothing', { skip: needsRoot }, async () => {
  const { store, root } = temporaryStore()
  await assert.rejects(store.load(breaking(), () => undefined), /connection lost/)
  await assert.rejects(store.importTar(breaking(), {}), /connection lost/)
  assert.deepEqual(leftovers(root), [])
})

async function* breaking(): AsyncGenerator<Uint8Array, void, undefined> {
  yield good.archive.subarray(0, 12_000)
  throw new Error('connection lost')
}
