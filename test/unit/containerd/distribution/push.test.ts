import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { ProgressMessage } from '../../../../src/containerd/distribution/contract.ts'
import { createDistribution } from '../../../../src/containerd/distribution/distribution.ts'
import { bytesOf, dockerArchive, hexOf, leftovers, needsRoot, openStore, source, temporaryStore } from '../images/archive.ts'
import { digestOf, offerImage, refuse, settingsFor, startRegistryServer, type RegistryServer } from './registry-server.ts'

const asRoot = { skip: needsRoot }
const files = [{ name: 'a', text: 'one'.repeat(200_000) }, { name: 'b', text: 'two' }]

/** Lets a registry take uploads; `brokenUploads` many of them are cut in the middle. */
function takeUploads(registry: RegistryServer, brokenUploads = 0): void {
  let broken = 0
  const sessions = new Map<string, Buffer>()
  registry.intercept = (request, response) => {
    const { method, url = '' } = request
    if (method === 'HEAD' && url.includes('/blobs/')) {
      response.writeHead(registry.blobs.has(url.split('/').at(-1)!) ? 200 : 404).end()
      return true
    }
    if (!['POST', 'PATCH', 'PUT'].includes(method ?? '')) return false
    if (method === 'PATCH' && broken++ < brokenUploads) {
      request.once('data', () => request.destroy())
      return true
    }
    void bytesOf(request).then((body) => take(registry, sessions, { request, response, body }))
    return true
  }
}

function take(registry: RegistryServer, sessions: Map<string, Buffer>, { request, response, body }: { request: IncomingMessage; response: ServerResponse; body: Buffer }): void {
  const url = new URL(request.url ?? '', 'http://x')
  const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname)
  if (manifest) {
    registry.manifests.set(`${manifest[1]}:${manifest[2]}`, { bytes: body, type: request.headers['content-type'] ?? '' })
    return void response.writeHead(201).end()
  }
  const whole = Buffer.concat([sessions.get(url.pathname) ?? Buffer.alloc(0), body])
  sessions.set(url.pathname, whole)
  const digest = url.searchParams.get('digest')
  if (digest === null) return void response.writeHead(202, { Location: request.method === 'POST' ? `${url.pathname}${registry.requests.length}-${Math.random()}` : url.pathname }).end()
  if (digestOf(whole) !== digest) return refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
  registry.blobs.set(digest, whole)
  response.writeHead(201).end()
}

type Store = ReturnType<typeof openStore>

async function push(room: Store, reference: string): Promise<ProgressMessage[]> {
  const messages: ProgressMessage[] = []
  const distribution = createDistribution({ core: room.store.core, settings: settingsFor(), userAgent: 'test' })
  await distribution.push({ reference, allTags: false, credentials: {} }, (message) => messages.push(message))
  return messages
}

async function loaded(name: string): Promise<Store & { tars: Buffer[] }> {
  const room = temporaryStore()
  const { archive, layers } = await dockerArchive({ tags: [name], layers: files.map((file) => [file]) })
  await room.store.load(source(archive), () => undefined)
  return { ...room, tars: layers }
}

void test('layers that were loaded are compressed once; saving them then gives what was pushed', asRoot, async () => {
  const [one, two] = [await startRegistryServer(), await startRegistryServer()]
  for (const registry of [one, two]) takeUploads(registry)
  const name = `${one.address}/box:1`
  const room = await loaded(name)
  const last = (await push(room, name)).at(-1)?.aux as { Digest: string }
  const pushed = one.manifests.get('box:1')!
  assert.equal(last.Digest, digestOf(pushed.bytes))
  const { layers } = JSON.parse(pushed.bytes.toString()) as { layers: { digest: string; size: number; mediaType: string }[] }
  for (const [at, { digest, size, mediaType }] of layers.entries()) {
    assert.equal(mediaType, 'application/vnd.docker.image.rootfs.diff.tar.gzip')
    assert.equal(one.blobs.get(digest)!.length, size)
    assert.deepEqual(gunzipSync(one.blobs.get(digest)!), room.tars[at])
  }
  // The plain blobs have gone, the compressed ones and the configuration stay.
  assert.equal((await room.content.list()).length, files.length + 1)
  room.store.tag(name, `${two.address}/box:1`)
  await push(room, `${two.address}/box:1`)
  assert.deepEqual(two.manifests.get('box:1'), pushed)
  const saved = (await bytesOf(await room.store.save([name]))).toString('latin1')
  for (const { digest } of layers) assert.ok(saved.includes(`blobs/${digest.replace(':', '/')}`) && saved.includes(one.blobs.get(digest)!.toString('latin1')))
  await room.store.remove(room.store.get(name).id, { force: true, noPrune: false, inUse: () => [] })
  assert.deepEqual(leftovers(room.root), [])
})

void test('what was pulled is pushed with the manifest and the blobs as they were', asRoot, async () => {
  const registry = await startRegistryServer()
  takeUploads(registry)
  const { digest } = await offerImage(registry, 'box:1', files)
  const room = temporaryStore()
  const distribution = createDistribution({ core: room.store.core, settings: settingsFor(), userAgent: 'test' })
  await distribution.pull({ reference: `${registry.address}/box:1`, allTags: false, credentials: {} }, () => undefined)
  const target = await startRegistryServer()
  takeUploads(target)
  room.store.tag(`${registry.address}/box:1`, `${target.address}/other:2`)
  await push(room, `${target.address}/other:2`)
  assert.deepEqual(target.manifests.get('other:2'), registry.manifests.get('box:1'))
  assert.deepEqual([...target.blobs.keys()].toSorted(), [...registry.blobs.keys()].toSorted())
  assert.deepEqual(room.store.get(`${target.address}/other:2`).repoDigests, [`${registry.address}/box@${digest}`, `${target.address}/other@${digest}`].toSorted())
  // Found again after a restart.
  await room.store.close()
  const again = openStore(room.root)
  target.manifests.clear()
  await push(again, `${target.address}/other:2`)
  assert.equal(digestOf(target.manifests.get('other:2')!.bytes), digest)
})

void test('an upload that breaks is begun again', asRoot, async () => {
  const registry = await startRegistryServer()
  takeUploads(registry, 1)
  const name = `${registry.address}/box:1`
  const room = temporaryStore()
  const noise = Array.from({ length: 20_000 }, (_, at) => hexOf(Buffer.from(String(at)))).join('')
  const { archive } = await dockerArchive({ tags: [name], layers: [[{ name: 'noise', text: noise }]] })
  await room.store.load(source(archive), () => undefined)
  const messages = await push(room, name)
  assert.ok(messages.some(({ status }) => status === 'Retrying in 1 second'), messages.map(({ status }) => status).join())
  assert.equal(registry.requests.filter((line) => line.startsWith('PATCH ')).length, 2)
  assert.ok(registry.manifests.has('box:1'))
})

void test('what has no name here cannot be pushed', asRoot, async () => {
  const name = '127.0.0.1:1/box:1'
  const room = await loaded(name)
  await assert.rejects(push(room, '127.0.0.1:1/box:2'), { kind: 'NotFound', message: 'tag does not exist: 127.0.0.1:1/box:2' })
  await assert.rejects(push(room, '127.0.0.1:1/nothing'), { kind: 'NotFound', message: 'An image does not exist locally with the tag: 127.0.0.1:1/nothing' })
  await assert.rejects(push(room, `127.0.0.1:1/box@sha256:${'0'.repeat(64)}`), { message: 'cannot push a digest reference' })
})
