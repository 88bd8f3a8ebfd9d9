import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { GantryError } from '../../../../src/lib/errors.ts'
import { layerTar, type Member } from '../snapshots/layer.ts'
import { bytesOf, dockerArchive, leftovers, needsRoot, source, temporaryStore } from './archive.ts'

const outside = mkdtempSync(join(tmpdir(), 'outside-'))
after(() => rmSync(outside, { recursive: true }))
writeFileSync(join(outside, 'secret'), 'secret')
const up = `${'../'.repeat(20)}${outside.slice(1)}`

function assertNothingOutside(): void {
  assert.deepEqual(readdirSync(outside), ['secret'])
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret')
}

/** A refusal has a kind and a reason; anything else is a bug. */
function assertRefusal(error: unknown): void {
  assert.ok(error instanceof GantryError && error.kind === 'InvalidParameter', (error as Error).stack)
  assert.notEqual(error.message, '')
}

const names = ['a', 'b', 'A', 'a/b', 'a/b/c', './a', '/a', 'a/', '.', '..', `${up}/x`, `${outside}/x`, 'a/../../b', '.wh.a', 'a/.wh.b', '.wh..wh..opq', 'a/.wh..wh..opq', '.wh..', '.wh...', '.wh.', 'x'.repeat(300), '\uDC80']
const targets = ['a', 'b', '..', '/', outside, up, `${up}/secret`, 'a/b', '/proc/self/root', '']
const member: fc.Arbitrary<Member> = fc
  .record({
    name: fc.constantFrom(...names),
    type: fc.constantFrom('file', 'directory', 'symlink', 'link', 'fifo', 'character', 'block'),
    linkName: fc.constantFrom(...targets),
    mode: fc.constantFrom(0o644, 0o4755, 0),
    uid: fc.constantFrom(0, 70_000, 2 ** 31),
    mtime: fc.constantFrom(0n, -1n, 2n ** 62n),
    deviceMajor: fc.constantFrom(1, 70_000),
    text: fc.constantFrom('', 'escaped'),
    xattrs: fc.constantFrom<ReadonlyMap<string, Buffer>>(new Map(), new Map([['trusted.overlay.redirect', Buffer.from('/x')]]), new Map([['nonsense', Buffer.from('x')]])),
  })
  .map((each) => (each.type === 'file' ? each : { ...each, text: '' }))

void test('no layer writes outside, and what is refused leaves nothing', { skip: needsRoot }, async () => {
  const { store, root } = temporaryStore()
  await fc.assert(
    fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 7 }), async (members) => {
      try {
        const image = await store.importTar(layerTar(members), {})
        await store.remove(image.id, { force: true, noPrune: false, inUse: () => [] })
      } catch (error) {
        assertRefusal(error)
      }
      assertNothingOutside()
      assert.deepEqual(leftovers(root), [])
    }),
    { numRuns: 150 },
  )
})

const good = await dockerArchive({ tags: ['x:1'], layers: [[{ name: 'a', text: 'a'.repeat(3000) }], [{ name: 'b' }, { name: '.wh.a' }]] })

void test('no mutation of an image archive is loaded as something else, breaks the store, or leaves rubbish', { skip: needsRoot }, async () => {
  const { store, root } = temporaryStore()
  const packed = { plain: good.archive, gzip: gzipSync(good.archive) }
  const mutation = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('plain', 'gzip'), mutation, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), async (kind, changes, kept, cut) => {
      const bytes = Buffer.from(packed[kind as keyof typeof packed])
      for (const [at, value] of changes) bytes[Math.floor(at * bytes.length)] = value
      try {
        const images = await store.load(source(cut ? bytes.subarray(0, Math.floor(kept * bytes.length)) : bytes), () => undefined)
        for (const image of images) {
          // What digests do not cover is names; a changed configuration is another image.
          assert.deepEqual(image.diffIds.length, 2)
          await store.remove(image.id, { force: true, noPrune: false, inUse: () => [] })
        }
      } catch (error) {
        assertRefusal(error)
      }
      assert.deepEqual(leftovers(root), [])
      assert.deepEqual(store.list(), [])
    }),
    { numRuns: 150 },
  )
})

void test('the archive itself is loaded', { skip: needsRoot }, async () => {
  const { store } = temporaryStore()
  const [image] = await store.load(source(await bytesOf(source(good.archive))), () => undefined)
  assert.equal(image?.id, good.id)
})
