import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { duplexPair } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { sessionContent } from '../../../../src/build/buildkit/session-content.ts'
import type { ClientContent } from '../../../../src/build/contract.ts'
import { readCaches } from '../../../../src/cli/build/caches.ts'
import { contentServices, taggedDigest, tagManifest } from '../../../../src/cli/build/content-stores.ts'
import { GrpcClient } from '../../../../src/lib/grpc/client.ts'
import { serveGrpc } from '../../../../src/lib/grpc/server.ts'

void describe('directories of the client that the engine reads and writes', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gt-stores-'))
  const at = (...names: string[]): string => path.join(directory, ...names)
  const bytes = Buffer.alloc(700_000, 'content ')
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  let client: GrpcClient
  const store = (name: string): ClientContent => sessionContent(client, name, new AbortController().signal)
  const blob = (named = digest) => ({ digest: named, size: bytes.length, open: async function* () { yield bytes.subarray(0, 300_000); yield bytes.subarray(300_000) } })

  before(() => {
    const [near, far] = duplexPair()
    serveGrpc(near, contentServices(new Map([['read', { directory: at('read'), writable: false }], ['write', { directory: at('write'), writable: true }]])))
    client = new GrpcClient(far)
    mkdirSync(at('read/blobs/sha256'), { recursive: true })
    writeFileSync(at('secret'), 'secret')
  })
  after(() => {
    client.close()
    rmSync(directory, { recursive: true })
  })

  void test('a blob is written whole, once, and read back', async () => {
    await store('write').write(blob())
    await store('write').write(blob())
    assert.equal(await store('write').size(digest), bytes.length)
    assert.deepEqual(readdirSync(at('write/blobs/sha256')), [digest.slice(7)])
    assert.deepEqual(Buffer.concat(await Array.fromAsync(store('write').read(digest), (piece) => Buffer.from(piece))), bytes)
  })

  void test('what is not what its digest says leaves nothing', async () => {
    const other = `sha256:${'0'.repeat(64)}`
    await assert.rejects(store('write').write(blob(other)), /unexpected commit digest/)
    assert.equal(existsSync(at('write/blobs/sha256', other.slice(7))), false)
    assert.deepEqual(readdirSync(at('write/blobs/sha256')), [digest.slice(7)])
  })

  void test('nothing else can be reached: no other directory, no path, no writing where it is only read', async () => {
    await assert.rejects(store('other').size(digest).then((size) => assert.notEqual(size, undefined)))
    await assert.rejects(store('read').size('sha256:../../../secret'), /invalid digest/)
    await assert.rejects(Array.fromAsync(store('read').read('../secret')), /invalid digest/)
    await assert.rejects(store('read').write(blob()), /is read-only/)
    assert.deepEqual(readdirSync(at('read/blobs/sha256')), [])
  })

  void test('a tag goes from one manifest to the next, and caches are found by theirs', () => {
    tagManifest(at('layout'), descriptor('a'), ['one'])
    tagManifest(at('layout'), descriptor('b'), ['two'])
    tagManifest(at('layout'), descriptor('c'), ['one'])
    assert.deepEqual(['one', 'two', 'latest'].map((tag) => taggedDigest(at('layout'), tag)), [descriptor('c').digest, descriptor('b').digest, undefined])
    assert.equal((JSON.parse(readFileSync(at('layout/index.json'), 'utf8')) as { manifests: unknown[] }).manifests.length, 2)
    const caches = readCaches([`type=local,src=${at('layout')},tag=two`, `type=local,src=${at('absent')}`, 'image'], [`type=local,dest=${at('new')},tag=t`])
    assert.deepEqual(caches.imports.map(({ attributes }) => attributes['digest'] ?? attributes['ref']), [descriptor('b').digest, 'image'])
    assert.deepEqual([caches.missing, [...caches.stores.values()].map(({ writable }) => writable)], [[at('absent')], [false, true]])
    caches.finish({ 'cache.manifest': JSON.stringify(descriptor('d')) })
    assert.equal(taggedDigest(at('new'), 't'), descriptor('d').digest)
  })
})

function descriptor(letter: string): { mediaType: string; digest: string; size: number } {
  return { mediaType: 'm', digest: `sha256:${letter.repeat(64)}`, size: 1 }
}
