import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layerTar, type Member } from '../snapshots/layer.ts'
import { bytesOf, dockerArchive, hexOf, leftovers, needsRoot, openStore, source, temporaryStore } from './archive.ts'

const asRoot = { skip: needsRoot }
const base = await dockerArchive({ tags: ['base:1'], layers: [[{ name: 'a', text: 'one' }]] })

type Stores = ReturnType<typeof temporaryStore>

async function commit({ store }: Pick<Stores, 'store'>, parent: string, members: Member[], extra: object = {}) {
  return await store.commit({
    parent,
    layer: layerTar(members),
    isEmpty: () => members.length === 0,
    config: { Cmd: ['run'], Labels: { x: 'y' }, Hostname: 'h' },
    container: { id: 'c'.repeat(64), config: { Cmd: ['sh', '-c', 'make'] } },
    ...extra,
  })
}

void test('a commit is its parent and one more layer, with its story', asRoot, async () => {
  const stores = temporaryStore()
  const { store, content, snapshotter } = stores
  await store.load(source(base.archive), () => undefined)
  const layer = await bytesOf(layerTar([{ name: 'b', text: 'three' }, { name: '.wh.a' }]))
  const image = await commit(stores, base.id, [{ name: 'b', text: 'three' }, { name: '.wh.a' }], { author: 'Ada', comment: 'why' })
  assert.deepEqual(image.diffIds, [`sha256:${hexOf(base.layers[0]!)}`, `sha256:${hexOf(layer)}`])
  assert.equal(image.parent, base.id)
  const document = JSON.parse((await content.readAll(image.id)).toString()) as Record<string, unknown>
  assert.deepEqual(Object.keys(document), Object.keys(document).toSorted())
  assert.equal(image.id, `sha256:${hexOf(await content.readAll(image.id))}`)
  assert.deepEqual([document['author'], document['comment'], document['container']], ['Ada', 'why', 'c'.repeat(64)])
  assert.deepEqual(image.history.map(({ created_by, author, comment, empty_layer }) => ({ created_by, author, comment, empty_layer })), [
    { created_by: 'sh -c make', author: 'Ada', comment: 'why', empty_layer: undefined },
  ])
  assert.deepEqual([image.config.Cmd, image.config.Labels, image.config.Hostname], [['run'], { x: 'y' }, 'h'])
  assert.ok(snapshotter.hasLayer(image.chainId!))
  assert.equal(image.size, 8)
})

void test('a commit without changes has no layer of its own', asRoot, async () => {
  const stores = temporaryStore()
  await stores.store.load(source(base.archive), () => undefined)
  const image = await commit(stores, base.id, [])
  assert.equal(image.diffIds.length, 1)
  assert.equal(image.history.at(-1)?.empty_layer, true)
})

void test('a parent is known after a restart, cannot be removed, and goes with its last child when nobody names it', asRoot, async () => {
  const stores = temporaryStore()
  await stores.store.load(source(base.archive), () => undefined)
  const middle = await commit(stores, base.id, [{ name: 'm' }])
  const top = await commit(stores, middle.id, [{ name: 't' }])
  stores.store.tag(top.id, 'top:1')
  await stores.store.close()
  const { store, root } = openStore(stores.root)
  assert.deepEqual([store.get('top:1').parent, store.get(middle.id).parent], [middle.id, base.id])
  const options = { force: false, noPrune: false, inUse: () => [] }
  await assert.rejects(store.remove(middle.id, options), { kind: 'Conflict', message: /image has dependent child images/ })
  const lines = await store.remove('top:1', options)
  const [topLayer, middleLayer] = [top.chainId, middle.chainId]
  assert.deepEqual(lines, [{ Untagged: 'top:1' }, { Deleted: top.id }, { Deleted: topLayer }, { Deleted: middle.id }, { Deleted: middleLayer }])
  await store.remove('base:1', options)
  assert.deepEqual(leftovers(root), [])
})

void test('a parent that is gone is NotFound, and a layer that breaks off leaves nothing', asRoot, async () => {
  const stores = temporaryStore()
  await assert.rejects(commit(stores, `sha256:${'0'.repeat(64)}`, [{ name: 'x' }]), { kind: 'NotFound' })
  await stores.store.load(source(base.archive), () => undefined)
  const before = leftovers(stores.root)
  await assert.rejects(commit(stores, base.id, [{ name: 'x' }], { layer: broken() }), { kind: 'InvalidParameter' })
  await assert.rejects(commit(stores, base.id, [{ name: '../x' }]), { kind: 'InvalidParameter' })
  assert.deepEqual(leftovers(stores.root), before)
  assert.equal(stores.store.list().length, 1)
})

async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
  yield (await bytesOf(layerTar([{ name: 'x', text: 'x'.repeat(3000) }]))).subarray(0, 2000)
}
