import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { openContentStore } from '../../../../src/containerd/content/file-content-store.ts'

const root = mkdtempSync(join(tmpdir(), 'content-'))
after(() => rmSync(root, { recursive: true }))
const store = openContentStore(root)
const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

void test('content is found by its digest', async () => {
  const { digest, size } = await store.write(Readable.from([Buffer.from('hello '), Buffer.from('world')]))
  assert.deepEqual([digest, size], [digestOf('hello world'), 11])
  assert.equal((await store.readAll(digest)).toString(), 'hello world')
  assert.equal(store.size(digest), 11)
  assert.deepEqual(await store.list(), [digest])
  assert.equal((await store.read(digest).toArray()).join(''), 'hello world')
  await store.remove(digest)
  assert.equal(store.has(digest), false)
  assert.throws(() => store.read(digest), { kind: 'NotFound' })
})

void test('content with another digest than expected is refused and leaves nothing', async () => {
  await assert.rejects(store.write(Readable.from([Buffer.from('x')]), digestOf('y')), { kind: 'InvalidParameter', message: /does not match/ })
  assert.deepEqual(await store.list(), [])
  assert.deepEqual(readdirSync(join(root, 'ingest')), [])
})

void test('a source that fails leaves nothing', async () => {
  await assert.rejects(store.write(failing()), /gone/)
  assert.deepEqual(readdirSync(join(root, 'ingest')), [])
})

void test('a digest is no path', () => {
  assert.throws(() => store.has('sha256:../../etc/passwd'), { kind: 'InvalidParameter' })
})

void test('opening removes what was half written', () => {
  writeFileSync(join(root, 'ingest', 'left'), 'half')
  openContentStore(root)
  assert.deepEqual(readdirSync(join(root, 'ingest')), [])
})

async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from('x')
  throw new Error('gone')
}
