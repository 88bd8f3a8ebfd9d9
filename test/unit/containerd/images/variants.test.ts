import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RemoveImage } from '../../../../src/containerd/images/contract.ts'
import { layerTar } from '../snapshots/layer.ts'
import { bytesOf, hexOf, leftovers, needsRoot, openStore, source, tarOf, temporaryStore } from './archive.ts'

const asRoot = { skip: needsRoot }
const own = process.arch === 'arm64' ? 'arm64' : 'amd64'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const described = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: `sha256:${hexOf(bytes)}`, size: bytes.length })
const blob = (bytes: Buffer) => ({ name: `blobs/sha256/${hexOf(bytes)}`, bytes })
const removal = (change: Partial<RemoveImage> = {}): RemoveImage => ({ force: false, noPrune: false, inUse: () => [], ...change })

/** An OCI layout of one index: images that share a layer, one that is not in it, and an attestation. */
async function layout(platforms: readonly string[]) {
  const shared = await bytesOf(layerTar([{ name: 'shared', text: 'x' }]))
  const blobs = [shared]
  const manifests: object[] = []
  const ids: Record<string, string> = {}
  for (const architecture of platforms) {
    const layer = await bytesOf(layerTar([{ name: architecture, text: architecture }]))
    const config = json({ architecture, os: 'linux', config: { Cmd: [architecture] }, rootfs: { type: 'layers', diff_ids: [shared, layer].map((each) => `sha256:${hexOf(each)}`) } })
    const manifest = json({ schemaVersion: 2, config: described(config, 'application/vnd.oci.image.config.v1+json'), layers: [shared, layer].map((each) => described(each, 'application/vnd.oci.image.layer.v1.tar')) })
    blobs.push(layer, config, manifest)
    manifests.push({ ...described(manifest, manifestType), platform: { architecture, os: 'linux' } })
    ids[architecture] = `sha256:${hexOf(config)}`
  }
  manifests.push({ ...described(json('absent'), manifestType), platform: { architecture: 'mips', os: 'linux' } })
  manifests.push({ ...described(json('proof'), manifestType), platform: { architecture: 'unknown', os: 'unknown' }, annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': (manifests[0] as { digest: string }).digest } })
  const index = json({ schemaVersion: 2, mediaType: indexType, manifests })
  const top = json({ schemaVersion: 2, manifests: [{ ...described(index, indexType), annotations: { 'io.containerd.image.name': 'docker.io/library/multi:1' } }] })
  return { archive: await tarOf([...[...blobs, index].map(blob), { name: 'index.json', bytes: top }]), ids, index: `sha256:${hexOf(index)}` }
}

async function loaded() {
  const room = temporaryStore()
  const { archive, ids, index } = await layout(['s390x', own, 'riscv64'])
  const lines: string[] = []
  const images = await room.store.load(source(archive), (line) => lines.push(line))
  assert.deepEqual([lines, images.length], [['Loaded image: multi:1\n'], 3])
  return { ...room, ids, index }
}

void test('a name means the image of this host, and of a platform that one; others are no images of their own', asRoot, async () => {
  const { store, root, ids, index } = await loaded()
  const check = (at: typeof store): void => {
    assert.equal(at.get('multi:1').id, ids[own])
    for (const platform of ['s390x', 'riscv64', own]) assert.equal(at.get('multi:1', `linux/${platform}`).id, ids[platform])
    assert.throws(() => at.get('multi:1', 'linux/mips'), { kind: 'NotFound', message: 'image with reference multi:1 was found but does not provide the specified platform (linux/mips)' })
    assert.equal(at.find('multi:1', 'linux/mips'), undefined)
    assert.deepEqual(at.list().filter(({ isVariant }) => !isVariant).map(({ id, variants }) => [id, variants?.toSorted()]), [[ids[own], [ids['s390x']!, ids['riscv64']!].toSorted()]])
  }
  check(store)
  const manifests = await store.manifests(store.get('multi:1'))
  assert.deepEqual(manifests.map(({ kind, image, descriptor }) => [kind, image?.id, descriptor.platform?.architecture]), [
    ['image', ids['s390x'], 's390x'], ['image', ids[own], own], ['image', ids['riscv64'], 'riscv64'], ['image', undefined, 'mips'], ['attestation', undefined, 'unknown'],
  ])
  assert.equal(manifests[4]!.attests, manifests[0]!.id)
  assert.equal((await store.descriptor(store.get('multi:1'))).digest, index)
  await store.close()
  check(openStore(root).store)
})

void test('a platform goes alone, the name with the last of them, and nothing stays', asRoot, async () => {
  const { store, root, ids } = await loaded()
  store.tag('multi:1', 'multi:2')
  const remove = (name: string, ...platforms: string[]) => store.remove(name, removal({ platforms }))
  await assert.rejects(remove('multi:1', 'linux/mips'), { kind: 'NotFound' })
  await assert.rejects(store.remove('multi:1', removal({ platforms: ['linux/s390x'], inUse: (id) => (id === ids['s390x'] ? [{ id: 'c0ffee'.padEnd(64, '0'), running: false }] : []) })), /must be forced\) - image is being used by stopped container c0ffee/)
  assert.deepEqual((await remove('multi:1', `linux/${own}`))[0], { Deleted: ids[own] })
  // Of both names, for it is one index; what came last is meant now.
  for (const name of ['multi:1', 'multi:2']) assert.equal(store.get(name).id, ids['riscv64'])
  assert.deepEqual((await remove('multi:2', 'linux/s390x', 'linux/riscv64')).filter((line) => !line.Deleted?.startsWith('sha256:') || Object.values(ids).includes(line.Deleted)), [{ Deleted: ids['s390x'] }, { Untagged: 'multi:2' }])
  assert.deepEqual((await remove('multi:1', 'linux/riscv64')).slice(0, 2), [{ Untagged: 'multi:1' }, { Deleted: ids['riscv64'] }])
  assert.deepEqual(leftovers(root), [])
})

void test('the last name takes every platform with it, but for one that a container was made of', asRoot, async () => {
  const { store, root, ids } = await loaded()
  store.tag('multi:1', 'other:1')
  assert.deepEqual(await store.remove('other:1', removal()), [{ Untagged: 'other:1' }])
  const inUse: RemoveImage['inUse'] = (id) => (id === ids['s390x'] ? [{ id: 'c0ffee'.padEnd(64, '0'), running: false }] : [])
  await assert.rejects(store.remove('multi:1', removal({ inUse })), /must force\) - container c0ffee/)
  const lines = await store.remove('multi:1', removal({ inUse, force: true }))
  assert.deepEqual(new Set(lines.flatMap(({ Deleted }) => (Object.values(ids).includes(Deleted ?? '') ? [Deleted] : []))), new Set([ids[own], ids['riscv64'], ids['s390x']].filter((id) => store.find(id!) === undefined)))
  for (const image of store.list()) await store.remove(image.id, removal())
  assert.deepEqual(leftovers(root), [])
})

void test('a name that is given to another image leaves the platforms of the first behind like that one', asRoot, async () => {
  const { store, root, ids, index } = await loaded()
  const single = await layout([own])
  assert.notEqual(single.index, index)
  await store.load(source(single.archive), () => undefined)
  assert.equal(store.get('multi:1').id, single.ids[own])
  assert.throws(() => store.get('multi:1', 'linux/s390x'), { kind: 'NotFound' })
  // The same image of this host is in both; what else was in the first has no name any more, as a dangling image has none.
  assert.deepEqual(store.list().filter(({ repoTags, isVariant }) => repoTags.length === 0 && !isVariant).map(({ id }) => id).toSorted(), [ids['s390x']!, ids['riscv64']!].toSorted())
  for (const image of store.list()) await store.remove(image.id, removal({ force: true }))
  assert.deepEqual(leftovers(root), [])
})

void test('what is saved is everything that is here, or one platform, with the same ids', asRoot, async () => {
  const { store, ids } = await loaded()
  const whole = temporaryStore()
  await whole.store.load(source(await bytesOf(await store.save(['multi:1']))), () => undefined)
  for (const platform of ['s390x', 'riscv64', own]) assert.equal(whole.store.get('multi:1', `linux/${platform}`).id, ids[platform])
  const one = temporaryStore()
  await one.store.load(source(await bytesOf(await store.save(['multi:1'], { platform: 'linux/s390x' }))), () => undefined)
  assert.deepEqual(one.store.list().map(({ id, repoTags }) => [id, repoTags]), [[ids['s390x'], ['multi:1']]])
  await assert.rejects(store.save(['multi:1'], { platform: 'linux/mips' }), { kind: 'NotFound' })
})
