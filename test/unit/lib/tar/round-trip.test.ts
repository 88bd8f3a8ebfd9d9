import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { tarEntry, type TarEntry, type TarType } from '../../../../src/lib/tar/entry.ts'
import { collectTar, pieces } from './collect.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'

const component = fc.oneof(
  fc.stringMatching(/^[a-z0-9._-]{1,20}$/),
  fc.stringMatching(/^[a-z0-9]{90,140}$/),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).map((text) => text.replaceAll(/[/\0]/g, '_')),
)
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const xattrs = fc
  .array(fc.tuple(fc.stringMatching(/^user\.[a-z]{1,20}$/), fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))), { maxLength: 3 })
  .map((pairs) => new Map(pairs))
const member = fc.record({
  name: path,
  type: fc.constantFrom<TarType>('file', 'link', 'symlink', 'character', 'block', 'directory', 'fifo'),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  userName: fc.stringMatching(/^[a-z]{0,40}$/),
  groupName: fc.string({ maxLength: 10, unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  mtime: fc.bigInt({ min: -(10n ** 18n), max: 2n ** 63n }),
  target: path,
  deviceMajor: fc.integer({ min: 0, max: 0xfff }),
  deviceMinor: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  xattrs,
  content: fc.uint8Array({ maxLength: 1500 }),
})

void test('what is written is read again, whatever the size of the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), async (members, size) => {
      const written = members.map(({ target, content, ...fields }) => {
        const entry: TarEntry = tarEntry({
          ...fields,
          linkName: fields.type === 'link' || fields.type === 'symlink' ? target : '',
          size: fields.type === 'file' ? content.length : 0,
        })
        return { entry, content: Buffer.from(fields.type === 'file' ? content : []) }
      })
      const archive: Buffer[] = []
      for await (const chunk of writeTar(written.map(({ entry, content }) => ({ entry, content: [content] })))) archive.push(chunk)
      const read = await collectTar(pieces(Buffer.concat(archive), size))
      assert.deepEqual(read, written)
    }),
    { numRuns: 300 },
  )
})
