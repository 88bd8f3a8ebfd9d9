import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RemoveImage } from '../../../../src/containerd/images/contract.ts'
import { dockerArchive, leftovers, needsRoot, source, temporaryStore } from './archive.ts'

const asRoot = { skip: needsRoot }
const layers = [[{ name: 'a', text: 'one' }], [{ name: 'b', text: 'two' }]]
const container = 'c0ffee'.padEnd(64, '0')
const options = (force = false, running?: boolean): RemoveImage => ({
  force,
  noPrune: false,
  inUse: () => (running === undefined ? [] : [{ id: container, running }]),
})

async function loaded(...tags: string[]) {
  const each = temporaryStore()
  const { archive, id } = await dockerArchive({ tags, layers })
  const [image] = await each.store.load(source(archive), () => undefined)
  return { ...each, id, short: id.slice(7, 19), chainId: image!.chainId!, below: image!.diffIds[0]! }
}

void test('the last name takes the image, its layers and its blobs with it', asRoot, async () => {
  const { store, root, id, chainId, below } = await loaded('busy:1', 'busy:2')
  assert.deepEqual(await store.remove('busy:1', options()), [{ Untagged: 'busy:1' }])
  assert.deepEqual(await store.remove('busy:2', options()), [{ Untagged: 'busy:2' }, { Deleted: id }, { Deleted: chainId }, { Deleted: below }])
  assert.deepEqual(leftovers(root), [])
  await assert.rejects(store.remove('busy:2', options()), { kind: 'NotFound', message: 'No such image: busy:2' })
})

void test('layers that another image has stay', asRoot, async () => {
  const { store, id, snapshotter, chainId, below } = await loaded('busy:1')
  const other = await dockerArchive({ tags: ['other:1'], layers: [layers[0]!], cmd: 'x' })
  await store.load(source(other.archive), () => undefined)
  assert.deepEqual(await store.remove('busy:1', options()), [{ Untagged: 'busy:1' }, { Deleted: id }, { Deleted: chainId }])
  assert.equal(snapshotter.hasLayer(below), true)
  assert.deepEqual(await store.remove('other:1', options()), [{ Untagged: 'other:1' }, { Deleted: other.id }, { Deleted: below }])
})

void test('an id with several names must be forced', asRoot, async () => {
  const { store, id, short } = await loaded('busy:1', 'other:1')
  const message = `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`
  await assert.rejects(store.remove(short, options()), { kind: 'Conflict', message })
  const reply = await store.remove(id, options(true))
  assert.deepEqual(reply.slice(0, 3), [{ Untagged: 'busy:1' }, { Untagged: 'other:1' }, { Deleted: id }])
})

void test('an image in use is kept, with the words of Docker', asRoot, async () => {
  const { store, short } = await loaded('busy:1')
  const refused = async (text: string, how: RemoveImage, message: string) =>
    await assert.rejects(store.remove(text, how), { kind: 'Conflict', message })
  await refused('busy:1', options(false, false), `conflict: unable to remove repository reference "busy:1" (must force) - container c0ffee000000 is using its referenced image ${short}`)
  await refused(short, options(false, false), `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container c0ffee000000`)
  await refused(short, options(true, true), `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container c0ffee000000`)
  assert.deepEqual(await store.remove('busy:1', options(true, true)), [{ Untagged: 'busy:1' }])
  assert.equal(store.get(short).id.slice(7, 19), short)
})

void test('layers below a container go once the container is gone', asRoot, async () => {
  const { store, snapshotter, root, id, chainId } = await loaded('busy:1')
  await snapshotter.prepare('c1', chainId)
  assert.deepEqual(await store.remove('busy:1', options(true, false)), [{ Untagged: 'busy:1' }, { Deleted: id }])
  assert.equal(snapshotter.hasLayer(chainId), true)
  await snapshotter.remove('c1')
  await store.sweep()
  assert.deepEqual(leftovers(root), [])
})

void test('names that images cannot be given are refused', asRoot, async () => {
  const { store } = await loaded('busy:1')
  assert.throws(() => store.tag('busy:1', `x@sha256:${'a'.repeat(64)}`), { kind: 'InvalidParameter', message: 'refusing to create a tag with a digest reference' })
  assert.throws(() => store.tag('busy:1', 'a b'), { kind: 'InvalidParameter', message: 'invalid reference format' })
  assert.throws(() => store.tag('nope', 'x'), { kind: 'NotFound' })
})
