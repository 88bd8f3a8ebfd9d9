import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProgressMessage } from '../../../../src/containerd/distribution/contract.ts'
import { createDistribution } from '../../../../src/containerd/distribution/distribution.ts'
import { Works } from '../../../../src/containerd/images/works.ts'
import { leftovers, needsRoot, openStore, temporaryStore } from '../images/archive.ts'
import { digestOf, offerImage, refuse, settingsFor, startRegistryServer } from './registry-server.ts'

const asRoot = { skip: needsRoot }
const files = [{ name: 'a', text: 'one'.repeat(9000) }, { name: 'b', text: 'two' }]
const credentials = {}
type Store = ReturnType<typeof openStore>

function distributionOf({ store }: Store, changes: Parameters<typeof settingsFor>[0] = {}) {
  return createDistribution({ core: store.core, settings: settingsFor(changes), userAgent: 'test' })
}

async function pull(room: Store, reference: string, changes: Parameters<typeof settingsFor>[0] = {}): Promise<ProgressMessage[]> {
  const messages: ProgressMessage[] = []
  await distributionOf(room, changes).pull({ reference, allTags: false, credentials }, (message) => messages.push(message))
  return messages
}

const words = (messages: ProgressMessage[]) => messages.filter(({ progressDetail }) => !progressDetail?.current).map(({ id, status }) => (id === undefined ? status : `${id}: ${status}`))
const short = (bytes: Buffer) => digestOf(bytes).slice(7, 19)

void test('a pull tells what it does, layer by layer, and the digest', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { id, digest, layers } = await offerImage(registry, 'box:1', files)
  const name = `${registry.address}/box:1`
  const lines = words(await pull(room, name))
  assert.equal(lines[0], '1: Pulling from box')
  assert.deepEqual(lines.slice(-2), [`Digest: ${digest}`, `Status: Downloaded newer image for ${name}`])
  for (const layer of layers) {
    const own = lines.filter((line) => line?.startsWith(short(layer)))
    assert.deepEqual(own, ['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Pull complete'].map((step) => `${short(layer)}: ${step}`))
  }
  assert.ok(lines.indexOf(`${short(layers[0]!)}: Pull complete`) < lines.indexOf(`${short(layers[1]!)}: Pull complete`))
  const image = room.store.get(name)
  assert.deepEqual([image.id, image.repoTags, image.repoDigests], [id, [name], [`${registry.address}/box@${digest}`]])
  for (const text of [`${name}@${digest}`, `${registry.address}/box@${digest}`]) assert.equal(room.store.get(text).id, id)
  assert.equal(readFileSync(join(room.snapshotter.layerGraphData(image.chainId)['UpperDir']!, 'b'), 'utf8'), 'two')
  assert.deepEqual(words(await pull(room, name)), ['1: Pulling from box', `Digest: ${digest}`, `Status: Image is up to date for ${name}`])
})

void test('a broken connection is taken up where it broke, by a range', asRoot, async () => {
  const registry = await startRegistryServer()
  const { layers } = await offerImage(registry, 'box:1', files)
  const [layer] = layers as [Buffer]
  let cuts = 0
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(digestOf(layer)) || cuts++ > 0) return false
    response.writeHead(200, { 'Content-Length': layer.length })
    response.write(layer.subarray(0, 50), () => setTimeout(() => response.destroy(), 20))
    return true
  }
  const lines = words(await pull(temporaryStore(), `${registry.address}/box:1`))
  assert.ok(lines.includes(`${short(layer)}: Retrying in 1 second`), lines.join('\n'))
  assert.ok(registry.requests.some((line) => line.endsWith(' 206 bytes=50-')), registry.requests.join('\n'))
})

void test('a download that an earlier process left is gone on with, and begun again if it is damaged', asRoot, async () => {
  const registry = await startRegistryServer()
  const { layers } = await offerImage(registry, 'box:1', files)
  const [layer] = layers as [Buffer]
  for (const [left, ranges] of [[layer.subarray(0, 30), ['bytes=30-']], [Buffer.alloc(30), ['bytes=30-']], [Buffer.concat([layer, layer]), []], [layer, []]] as const) {
    const { root, ...first } = temporaryStore()
    await first.store.close()
    writeFileSync(join(root, 'content/ingest', `partial-${digestOf(layer).slice(7)}`), left)
    registry.requests.length = 0
    await pull(openStore(root), `${registry.address}/box:1`)
    const asked = registry.requests.filter((line) => line.includes(digestOf(layer))).map((line) => line.split(' ')[3])
    assert.deepEqual(asked.filter((range) => range !== undefined), ranges)
    assert.deepEqual(leftovers(root).filter((name) => name.startsWith('partial-')), [])
  }
})

void test('a layer that is not what its digest says is refused, and nothing is left', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { layers } = await offerImage(registry, 'box:1', files)
  const [, layer] = layers as [Buffer, Buffer]
  registry.blobs.set(digestOf(layer), Buffer.alloc(layer.length, 7))
  await assert.rejects(pull(room, `${registry.address}/box:1`), { kind: 'InvalidParameter', message: /filesystem layer verification failed for digest sha256:/ })
  registry.blobs.set(digestOf(layer), Buffer.concat([layer, Buffer.alloc(1 << 20)]))
  await assert.rejects(pull(room, `${registry.address}/box:1`), { message: /it is longer than \d+ bytes/ })
  assert.deepEqual(room.store.list(), [])
  assert.deepEqual(leftovers(room.root).filter((name) => !name.startsWith('partial-')), [])
})

void test('an aborted pull keeps what came for the next one', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { layers } = await offerImage(registry, 'box:1', files)
  const [layer] = layers as [Buffer]
  const controller = new AbortController()
  registry.intercept = (request, response) => {
    if (controller.signal.aborted || !request.url?.endsWith(digestOf(layer))) return false
    response.writeHead(200, { 'Content-Length': layer.length }).write(layer.subarray(0, 40), () => setTimeout(() => controller.abort(), 50))
    return true
  }
  const request = { reference: `${registry.address}/box:1`, allTags: false, credentials, signal: controller.signal }
  await assert.rejects(distributionOf(room).pull(request, () => undefined))
  assert.deepEqual(room.store.list(), [])
  await pull(room, request.reference)
  assert.ok(registry.requests.some((line) => line.endsWith(' 206 bytes=40-')), registry.requests.join('\n'))
})

void test('two pulls of one layer bring it once', asRoot, async () => {
  const registry = await startRegistryServer()
  const room = temporaryStore()
  const { layers } = await offerImage(registry, 'box:1', files)
  await offerImage(registry, 'other:1', [files[0]!, { name: 'c', text: 'three' }])
  const distribution = distributionOf(room)
  const pulls = ['box:1', 'other:1', 'box:1'].map((name) => distribution.pull({ reference: `${registry.address}/${name}`, allTags: false, credentials }, () => undefined))
  await Promise.all(pulls)
  assert.equal(registry.requests.filter((line) => line.includes(digestOf(layers[0]!))).length, 1)
  assert.equal(room.store.list().length, 2)
  assert.deepEqual(leftovers(room.root).filter((name) => name.startsWith('partial-')), [])
})

void test('a mirror is asked for images of docker.io, without the credentials, and nobody else is', asRoot, async () => {
  const registry = await startRegistryServer()
  const headers: (string | undefined)[] = []
  registry.intercept = (request) => {
    headers.push(request.headers.authorization)
    return false
  }
  await offerImage(registry, 'library/box:latest', files)
  const room = temporaryStore()
  const request = { reference: 'box', allTags: false, credentials: { username: 'me', password: 'secret' } }
  await distributionOf(room, { mirrors: [`http://${registry.address}/`] }).pull(request, () => undefined)
  assert.deepEqual(room.store.get('box').repoTags, ['box:latest'])
  assert.deepEqual(new Set(headers), new Set([undefined]))
})

const refusals: [string, number, string, string, RegExp][] = [
  ['NotFound', 404, 'MANIFEST_UNKNOWN', 'manifest unknown', /^manifest for 127\.0\.0\.1:\d+\/box:1 not found: manifest unknown: manifest unknown$/],
  ['NotFound', 404, 'NAME_UNKNOWN', 'repository name not known to registry', /^repository 127\.0\.0\.1:\d+\/box not found: name unknown: repository name not known to registry$/],
  ['NotFound', 403, 'DENIED', 'requested access to the resource is denied', /^pull access denied for 127\.0\.0\.1:\d+\/box, repository does not exist or may require 'docker login': denied: requested access to the resource is denied$/],
  ['TooManyRequests', 429, 'TOOMANYREQUESTS', 'You have reached your limit.', /^toomanyrequests: You have reached your limit\. \(the limit is 100 pulls in 6 h; try again in 2 min; `docker login` may give a higher limit/],
]
for (const [kind, status, code, text, message] of refusals) {
  void test(`${code} is told in the words of Docker`, async () => {
    const registry = await startRegistryServer()
    registry.intercept = (request, response) => {
      if (request.url === '/v2/') return false
      response.setHeader('RateLimit-Limit', '100;w=21600').setHeader('Retry-After', '120')
      refuse(response, status, code, text)
      return true
    }
    await assert.rejects(pull({ store: { core: { content: {}, works: new Works() } } } as unknown as Store, `${registry.address}/box:1`), { kind, message })
  })
}

void test('a foreign layer is brought from where its manifest says, without credentials', asRoot, async () => {
  const registry = await startRegistryServer()
  const elsewhere = await startRegistryServer()
  const { layers } = await offerImage(registry, 'box:1', files)
  const [, second] = layers as [Buffer, Buffer]
  const manifest = registry.manifests.get('box:1')!
  const document = JSON.parse(manifest.bytes.toString()) as { layers: { mediaType: string; urls?: string[] }[] }
  Object.assign(document.layers[1]!, { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', urls: [`http://${elsewhere.address}/v2/place/blobs/${digestOf(second)}`] })
  registry.manifests.set('box:1', { ...manifest, bytes: Buffer.from(JSON.stringify(document)) })
  elsewhere.blobs.set(digestOf(second), second)
  registry.blobs.delete(digestOf(second))
  elsewhere.intercept = ({ headers }) => {
    assert.equal(headers.authorization, undefined)
    return false
  }
  const room = temporaryStore()
  await pull(room, `${registry.address}/box:1`)
  assert.equal(readFileSync(join(room.snapshotter.layerGraphData(room.store.get(`${registry.address}/box:1`).chainId)['UpperDir']!, 'b'), 'utf8'), 'two')
  assert.equal(elsewhere.requests.length, 1)
})

void test('a manifest of schema 1 is refused with the whole name, as Docker does', async () => {
  const registry = await startRegistryServer()
  registry.manifests.set('box:1', { bytes: Buffer.from('{"schemaVersion":1,"fsLayers":[]}'), type: 'application/vnd.docker.distribution.manifest.v1+prettyjws' })
  const message = new RegExp(`^Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed\\. Suggest the author of ${registry.address}/box:1 to upgrade`)
  await assert.rejects(pull({ store: { core: { content: {}, works: new Works() } } } as unknown as Store, `${registry.address}/box:1`), { kind: 'InvalidParameter', message })
})

void test('a layer of no kind that images have is refused before anything is brought', async () => {
  const registry = await startRegistryServer()
  const digest = digestOf('x')
  const of = (mediaType: string) => ({ mediaType, digest, size: 1 })
  registry.manifests.set('box:1', { bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, config: of('application/vnd.oci.image.config.v1+json'), layers: [of('application/x-weird')] })), type: 'application/vnd.oci.image.manifest.v1+json' })
  await assert.rejects(pull({ store: { core: { content: {}, works: new Works() } } } as unknown as Store, `${registry.address}/box:1`), { kind: 'InvalidParameter', message: 'unsupported media type application/x-weird' })
  assert.deepEqual(registry.requests.filter((line) => line.includes('/blobs/')), [])
})
