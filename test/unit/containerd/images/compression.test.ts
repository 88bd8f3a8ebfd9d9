import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFile } from '../../../../src/containerd/images/compression/compress-file.ts'
import { isDense } from '../../../../src/containerd/images/compression/density.ts'
import { inflateFile } from '../../../../src/containerd/images/compression/inflate-file.ts'
import { lentChunks } from '../../../../src/containerd/images/lent-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'compression-'))
after(() => rmSync(directory, { recursive: true }))

const text = Buffer.from('what repeats itself, and again, '.repeat(150_000))
const noise = randomBytes(3 << 20)
/** Longer than the ring of the thread, and of both kinds. */
const mixed = Buffer.concat([text, noise, text, noise.subarray(0, 70_001)])
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

function fileOf(bytes: Uint8Array): string {
  const path = join(directory, randomBytes(8).toString('hex'))
  writeFileSync(path, bytes)
  return path
}

async function inflated(bytes: Uint8Array, compression: 'gzip' | 'zstd'): Promise<{ bytes: Buffer; digest: string; read: number }> {
  const file = openSync(fileOf(bytes), 'r')
  let read = 0
  try {
    const source = inflateFile(file, compression, (count) => (read = count))
    const copies: Buffer[] = []
    for await (const chunk of source.chunks) copies.push(Buffer.from(chunk))
    return { bytes: Buffer.concat(copies), digest: source.digest(), read }
  } finally {
    closeSync(file)
  }
}

const forms: [string, Buffer, 'gzip' | 'zstd', Buffer][] = [
  ['gzip', gzipSync(mixed), 'gzip', mixed],
  ['zstd', zstdCompressSync(mixed), 'zstd', mixed],
  ['gzip of several members', Buffer.concat([gzipSync(text), gzipSync(noise), gzipSync(Buffer.alloc(0))]), 'gzip', Buffer.concat([text, noise])],
  ['gzip with zeros behind it', Buffer.concat([gzipSync(text), Buffer.alloc(1024)]), 'gzip', text],
  ['gzip of nothing', gzipSync(Buffer.alloc(0)), 'gzip', Buffer.alloc(0)],
  ['gzip of what fills its last slot', gzipSync(Buffer.alloc(1 << 20)), 'gzip', Buffer.alloc(1 << 20)],
]
for (const [what, packed, compression, expected] of forms) {
  void test(`${what} comes out of the thread as it was`, async () => {
    const { bytes, digest, read } = await inflated(packed, compression)
    assert.ok(bytes.equals(expected))
    assert.equal(digest, digestOf(expected))
    if (expected.length > 0) assert.ok(read > 0 && read <= packed.length)
  })
}

for (const [what, packed] of [['is cut off', gzipSync(mixed).subarray(0, -20)], ['is damaged', Buffer.concat([gzipSync(text).subarray(0, 500), noise])]] as const) {
  void test(`gzip that ${what} is an error, and the thread goes on with the next file`, async () => {
    await assert.rejects(inflated(packed, 'gzip'), { code: /^Z_(BUF|DATA)_ERROR$/ })
    assert.ok((await inflated(gzipSync(text), 'gzip')).bytes.equals(text))
  })
}

void test('readers that leave early leave the threads to the others', async () => {
  const path = fileOf(gzipSync(mixed))
  for (let round = 0; round < 5; round++) {
    const file = openSync(path, 'r')
    for await (const chunk of inflateFile(file, 'gzip', () => undefined).chunks) {
      assert.ok(chunk.length > 0)
      break
    }
    closeSync(file)
  }
  const results = await Promise.all(Array.from({ length: 5 }, () => inflated(gzipSync(mixed), 'gzip')))
  for (const { digest } of results) assert.equal(digest, digestOf(mixed))
})

for (const [what, bytes] of [['both kinds', mixed], ['noise alone', noise], ['text alone', text], ['nothing', Buffer.alloc(0)]] as const) {
  void test(`a file of ${what} is compressed, the same way each time, and every gunzip reads it`, async () => {
    const source = fileOf(bytes)
    const targets = [join(directory, randomBytes(8).toString('hex')), join(directory, randomBytes(8).toString('hex'))]
    const results = await Promise.all(targets.map((target) => compressFile(source, target)))
    const [first, second] = targets.map((target) => readFileSync(target)) as [Buffer, Buffer]
    assert.ok(first.equals(second))
    assert.deepEqual(results[0], { kind: 'end', digest: digestOf(first), size: first.length })
    assert.ok(gunzipSync(first).equals(bytes))
    assert.ok(first.length <= bytes.length * 1.001 + 100)
    if (bytes === text) assert.ok(first.length < bytes.length / 20)
  })
}

void test('noise is told from text', () => {
  assert.deepEqual([isDense(noise), isDense(text), isDense(Buffer.alloc(1 << 20)), isDense(noise.subarray(0, 100))], [true, false, false, false])
})

void test('a file is read in lent pieces, whatever its length', async () => {
  for (const length of [0, 1, 512 << 10, (512 << 10) + 1, 3 << 20]) {
    const file = openSync(fileOf(noise.subarray(0, length)), 'r')
    const copies: Buffer[] = []
    for await (const chunk of lentChunks(file)) copies.push(Buffer.from(chunk))
    closeSync(file)
    assert.ok(Buffer.concat(copies).equals(noise.subarray(0, length)), `${length}`)
  }
})
