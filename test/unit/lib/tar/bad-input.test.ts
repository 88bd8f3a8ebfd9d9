import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { GantryError } from '../../../../src/lib/errors.ts'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { checksums, putNumber } from '../../../../src/lib/tar/fields.ts'
import { decodeName, encodeName } from '../../../../src/lib/tar/member-name.ts'
import { paxRecord } from '../../../../src/lib/tar/pax.ts'
import { encodeHeader } from '../../../../src/lib/tar/writer.ts'
import { collectTar, pieces } from './collect.ts'

const read = (...blocks: Buffer[]) => collectTar(pieces(Buffer.concat(blocks), 4096), { trailer: 1 << 20 })
const rejects = (promise: Promise<unknown>, text: RegExp) =>
  assert.rejects(promise, (error) => error instanceof GantryError && error.kind === 'InvalidParameter' && text.test(error.message))

function header(size: number, flag: string): Buffer {
  const block = encodeHeader(tarEntry({ name: 'x' }))
  putNumber(block, 124, 12, size)
  block.write(flag, 156)
  block.write(`${checksums(block).unsigned.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function extension(data: Buffer): Buffer {
  return Buffer.concat([header(data.length, 'x'), data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

function map(text: string): Buffer[] {
  const records = [paxRecord('GNU.sparse.map', Buffer.from(text)), paxRecord('GNU.sparse.size', Buffer.from('1000'))]
  return [extension(Buffer.concat(records)), header(10, '0'), Buffer.alloc(512)]
}

void test('a truncated archive is refused, in a header, in data and in an extended header', async () => {
  const file = Buffer.concat([encodeHeader(tarEntry({ name: 'x', size: 600 })), Buffer.alloc(1024, 'x')])
  await rejects(read(file.subarray(0, 100)), /truncated/)
  await rejects(read(file.subarray(0, 1000)), /truncated/)
  await rejects(read(extension(paxRecord('path', Buffer.from('y')))), /truncated/)
})

void test('an archive may end without its two zero blocks', async () => {
  assert.equal((await read(encodeHeader(tarEntry({ name: 'x' })))).length, 1)
})

void test('a bad checksum is refused', async () => {
  const block = encodeHeader(tarEntry({ name: 'x' }))
  block[0] = 0x79
  await rejects(read(block), /bad checksum/)
  await rejects(read(Buffer.alloc(1024, 'not a tar ')), /checksum/)
})

void test('absurd sizes are refused', async () => {
  await rejects(read(header(-1, '0')), /negative size/)
  await rejects(read(header(2 ** 60, '0')), /absurd/)
  await rejects(read(extension(paxRecord('size', Buffer.from('99999999999999999999'))), header(0, '0')), /absurd/)
})

void test('an extended header or a long name beyond the limit is refused before it is read', async () => {
  await rejects(read(header(2 ** 30, 'x')), /too long/)
  await rejects(read(header(2 ** 30, 'L')), /too long/)
})

void test('malformed extended headers are refused', async () => {
  for (const text of ['9999 path=x\n', '5 a=\nx', '0 a=b\n', 'path=x\n', '-1 a=b\n', '6 =ab\n', '6 abcd\n']) {
    await rejects(read(extension(Buffer.from(text)), header(0, '0')), /extended header record/)
  }
  await rejects(read(extension(paxRecord('path', Buffer.from('a\0b'))), header(0, '0')), /NUL/)
  await rejects(read(extension(paxRecord('mtime', Buffer.from('yesterday'))), header(0, '0')), /time/)
})

void test('sparse maps that leave the file, overlap or do not add up are refused', async () => {
  await rejects(read(...map('995,10')), /out of order/)
  await rejects(read(...map('500,5,502,5')), /out of order/)
  await rejects(read(...map('0,5')), /add up/)
  await rejects(read(...map('0,5,9')), /odd/)
  assert.equal((await read(...map('0,5,900,5')))[0]?.content.length, 1000)
})

void test('a long tail of zeros is refused', async () => {
  await rejects(read(Buffer.alloc(3 << 20)), /bytes follow its end/)
})

void test('no input makes the reader fail in another way', async () => {
  const seed = Buffer.concat([extension(paxRecord('path', Buffer.from('long'))), encodeHeader(tarEntry({ name: 'x', size: 3 })), Buffer.alloc(1536)])
  const mutation = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(mutation, fc.nat(seed.length), async (changes, length) => {
      const bytes = Buffer.from(seed.subarray(0, length))
      for (const [at, value] of changes) if (at < length) bytes[at] = value
      await read(bytes).catch((error: unknown) => assert.ok(error instanceof GantryError && error.kind === 'InvalidParameter', String(error)))
    }),
    { numRuns: 500 },
  )
})

void test('names keep their bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => encodeName(decodeName(Buffer.from(bytes))).equals(Buffer.from(bytes))))
})
