import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDistribution } from '../../../../src/containerd/distribution/distribution.ts'
import { bytesOf, leftovers, needsRoot, openStore, source, temporaryStore } from '../images/archive.ts'
import { digestOf, offerImage, settingsFor, startRegistryServer, type RegistryServer } from './registry-server.ts'

const asRoot = { skip: needsRoot }
const own = process.arch === 'arm64' ? 'arm64' : 'amd64'
const indexType = 'application/vnd.oci.image.index.v1+json'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const described = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
const removal = { force: false, noPrune: false, inUse: () => [] }
type Store = ReturnType<typeof openStore>

/** An index as buildx makes it: an image and what is said of it. `statement` is what the attestation has. */
async function offer(registry: RegistryServer, statement: Buffer, size = statement.length) {
  await offerImage(registry, 'box:one', [{ name: 'a', text: 'one' }])
  const image = registry.manifests.get('box:one')!
  const config = json({ architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(statement)] } })
  const manifest = json({ schemaVersion: 2, mediaType: manifestType, config: described(config, 'application/vnd.oci.image.config.v1+json'), layers: [{ ...described(statement, 'application/vnd.in-toto+json'), size, annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' } }] })
  const subject = digestOf(image.bytes)
  const index = json({
    schemaVersion: 2, mediaType: indexType, manifests: [
      { ...described(image.bytes, image.type), platform: { architecture: own, os: 'linux' } },
      { ...described(manifest, manifestType), annotations: { 'vnd.docker.reference.digest': subject, 'vnd.docker.reference.type': 'attestation-manifest' }, platform: { architecture: 'unknown', os: 'unknown' } },
    ],
  })
  for (const blob of [config, statement]) registry.blobs.set(digestOf(blob), blob)
  for (const [reference, bytes, type] of [[subject, image.bytes, image.type], [digestOf(manifest), manifest, manifestType], ['1', index, indexType]] as const) registry.manifests.set(`box:${reference}`, { bytes, type })
  return { index, said: [manifest, config, statement].map(digestOf), manifest: digestOf(manifest), name: `${registry.address}/box:1` }
}

async function pull({ store }: Store, reference: string): Promise<void> {
  await createDistribution({ core: store.core, settings: settingsFor(), userAgent: 'test' }).pull({ reference, allTags: false, credentials: {} }, () => undefined)
}

const kept = ({ root }: Store, digests: readonly string[]) => {
  const blobs = readdirSync(join(root, 'content/blobs/sha256'))
  return digests.filter((digest) => blobs.includes(digest.slice(7))).length
}

void test('what an index says of an image comes with it, outlives a restart, and goes with the last name', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { said, manifest, name } = await offer(registry, json({ predicate: 'made by hand' }))
  await pull(room, name)
  await room.store.sweep()
  assert.equal(kept(room, said), 3)
  const summaries = await room.store.manifests(room.store.get(name))
  assert.deepEqual(summaries.map(({ kind, isHere }) => [kind, isHere]), [['image', true], ['attestation', true]])
  assert.equal(summaries[1]!.content, said.reduce((sum, digest) => sum + room.content.size(digest), 0))
  room.store.tag(name, 'other:1')
  await room.store.close()
  const again = openStore(room.root)
  assert.equal(again.store.core.database.indexes.get('docker.io/library/other:1')!.attestations[0]!.manifest, manifest)
  await again.store.remove(name, removal)
  assert.equal(kept(room, said), 3)
  // What is here already is not asked for again.
  registry.requests.length = 0
  await pull(again, name)
  assert.deepEqual(registry.requests.filter((line) => said.some((digest) => line.includes(digest))), [])
  for (const each of [name, 'other:1']) await again.store.remove(each, removal)
  assert.deepEqual(leftovers(room.root), [])
})

void test('a registry that has lost it gives the image all the same, and a later pull completes it', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { said, name } = await offer(registry, json('x'))
  const lost = registry.blobs.get(said[2]!)!
  registry.blobs.delete(said[2]!)
  await pull(room, name)
  assert.equal(kept(room, said), 0)
  assert.deepEqual((await room.store.manifests(room.store.get(name))).map(({ isHere }) => isHere), [true, false])
  registry.blobs.set(said[2]!, lost)
  await pull(room, name)
  assert.equal(kept(room, said), 3)
})

void test('one that is not what its digest says fails the pull, and one that is too large or no manifest stays where it is', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { said, name } = await offer(registry, json('true'))
  registry.blobs.set(said[2]!, json('fals'))
  await assert.rejects(pull(room, name), /does not match the expected/)
  registry.blobs.set(said[2]!, json('true and more'))
  await assert.rejects(pull(room, name), /attestation verification failed for digest/)
  assert.deepEqual(leftovers(room.root).filter((each) => !each.startsWith('partial-')), [])
  const large = await offer(registry, json('large'), 65 << 20)
  await pull(room, large.name)
  assert.equal(kept(room, large.said), 0)
  const odd = await offer(registry, json('odd'), -1)
  await pull(room, odd.name)
  assert.equal(kept(room, odd.said), 0)
})

void test('an archive has what is said of its images, and gives it back', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { index, said, name } = await offer(registry, json({ predicate: 'an SBOM' }))
  await pull(room, name)
  const archive = await bytesOf(await room.store.save([name]))
  const other = temporaryStore()
  await other.store.load(source(archive), () => undefined)
  assert.equal(kept(other, [...said, digestOf(index)]), 4)
  const manifests = await other.store.manifests(other.store.get(name))
  assert.deepEqual(manifests, await room.store.manifests(room.store.get(name)).then((all) => all.map((each) => ({ ...each, image: each.image && { ...other.store.get(name) } }))))
  assert.ok((await bytesOf(await other.store.save([name]))).equals(archive))
  // Of one platform there is the image alone.
  const alone = temporaryStore()
  await alone.store.load(source(await bytesOf(await room.store.save([name], { platform: `linux/${own}` }))), () => undefined)
  assert.equal(kept(alone, said), 0)
  await other.store.remove(name, { ...removal, platforms: [`linux/${own}`] })
  assert.deepEqual(leftovers(other.root), [])
})
