import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { bytesOf, dockerArchive, hexOf, needsRoot, openStore, source, tarOf, temporaryStore } from './archive.ts'

const asRoot = { skip: needsRoot }
const directory = mkdtempSync(join(tmpdir(), 'load-'))
after(() => rmSync(directory, { recursive: true }))
const blob = (bytes: Buffer) => ({ name: `blobs/sha256/${hexOf(bytes)}`, bytes })
const descriptor = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: `sha256:${hexOf(bytes)}`, size: bytes.length })
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const layers = [[{ name: 'a', text: 'one' }], [{ name: 'b', text: 'three' }]]

const byTool = (tool: string) => (bytes: Buffer) => execFileSync(tool, ['-c'], { input: bytes, maxBuffer: 1 << 26 })

for (const [kind, pack] of Object.entries({ plain: (bytes: Buffer) => bytes, gzip: gzipSync, zstd: zstdCompressSync, xz: byTool('xz'), bzip2: byTool('bzip2') })) {
  for (const gzip of [false, true]) {
    void test(`a ${kind} archive with ${gzip ? 'gzipped' : 'plain'} layers is loaded`, asRoot, async () => {
      const { store, snapshotter } = temporaryStore()
      const { archive, id } = await dockerArchive({ tags: ['busy:latest', 'localhost:5000/me/busy:1'], layers, gzip })
      const lines: string[] = []
      const [image] = await store.load(source(pack(archive)), (line) => lines.push(line))
      assert.deepEqual(lines, ['Loaded image: busy:latest\n', 'Loaded image: localhost:5000/me/busy:1\n'])
      assert.equal(image?.id, id)
      assert.equal(image.size, 8)
      assert.equal(image.created, '2024-01-02T03:04:05.123456789Z')
      assert.deepEqual(image.config.Cmd, ['sh'])
      const [top, bottom] = [snapshotter.layerGraphData(image.chainId)['UpperDir']!, snapshotter.layerGraphData(image.chainId)['LowerDir']!]
      assert.equal(readFileSync(join(top, 'b'), 'utf8') + readFileSync(join(bottom, 'a'), 'utf8'), 'threeone')
    })
  }
}

void test('an image without a name is told by its id, and found by any prefix of it', asRoot, async () => {
  const { store } = temporaryStore()
  const { archive, id } = await dockerArchive({ tags: null, layers })
  const lines: string[] = []
  await store.load(source(archive), (line) => lines.push(line))
  assert.deepEqual(lines, [`Loaded image ID: ${id}\n`])
  for (const text of [id, id.slice(7), id.slice(7, 19), id.slice(0, 20)]) assert.equal(store.get(text).id, id)
  assert.throws(() => store.get('busy'), { kind: 'NotFound', message: 'No such image: busy:latest' })
  assert.throws(() => store.get('Busy'), { kind: 'InvalidParameter', message: /must be lowercase/ })
})

void test('a name that another image has moves, and Docker says so', asRoot, async () => {
  const { store } = temporaryStore()
  const first = await dockerArchive({ tags: ['busy:latest'], layers })
  const second = await dockerArchive({ tags: ['busy:latest'], layers, cmd: 'other' })
  const lines: string[] = []
  for (const each of [first, second]) await store.load(source(each.archive), (line) => lines.push(line))
  assert.equal(lines[1], `The image busy:latest already exists, renaming the old one with ID ${first.id} to empty string\n`)
  assert.equal(store.get('busy').id, second.id)
  assert.deepEqual(store.get(first.id).repoTags, [])
})

void test('an OCI layout is loaded, through an index with platforms', asRoot, async () => {
  const { store } = temporaryStore()
  const { config, layers: tars, id } = await dockerArchive({ tags: null, layers })
  const gzipped = tars.map((tar) => gzipSync(tar))
  const manifest = json({
    schemaVersion: 2,
    config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
    layers: gzipped.map((layer) => descriptor(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')),
  })
  const manifestType = 'application/vnd.oci.image.manifest.v1+json'
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const index = json({
    schemaVersion: 2,
    manifests: [
      { ...descriptor(Buffer.from('foreign'), manifestType), platform: { os: 'linux', architecture: 's390x' } },
      { ...descriptor(manifest, manifestType), platform: { os: 'linux', architecture } },
    ],
  })
  const top = json({
    schemaVersion: 2,
    manifests: [{ ...descriptor(index, 'application/vnd.oci.image.index.v1+json'), annotations: { 'io.containerd.image.name': 'docker.io/library/busy:oci' } }],
  })
  const archive = await tarOf([...gzipped, config, manifest, index].map(blob).concat({ name: 'index.json', bytes: top }, { name: 'oci-layout', bytes: json({ imageLayoutVersion: '1.0.0' }) }))
  const lines: string[] = []
  await store.load(source(archive), (line) => lines.push(line))
  assert.deepEqual(lines, ['Loaded image: busy:oci\n'])
  assert.equal(store.get('busy:oci').id, id)
})

void test('what is saved is loaded again with the same ids, in one archive and by skopeo', asRoot, async (context) => {
  const { store } = temporaryStore()
  const first = await dockerArchive({ tags: ['busy:1', 'busy:2'], layers, gzip: true })
  const second = await dockerArchive({ tags: ['other:1'], layers: [layers[0]!], cmd: 'x' })
  for (const { archive } of [first, second]) await store.load(source(archive), () => undefined)
  const saved = await bytesOf(await store.save(['busy', 'other:1', second.id]))
  const again = temporaryStore()
  await again.store.load(source(saved), () => undefined)
  assert.equal(again.store.list().length, 2)
  assert.deepEqual(again.store.get(first.id).repoTags, ['busy:1', 'busy:2'])
  assert.deepEqual(again.store.get(second.id).repoTags, ['other:1'])
  await assert.rejects(store.save(['nope']), { kind: 'NotFound', message: 'No such image: nope:latest' })
  if (execFileSync('sh', ['-c', 'command -v skopeo || true']).length === 0) return context.skip('skopeo is not installed')
  const one = join(directory, 'one.tar')
  writeFileSync(one, await bytesOf(await store.save(['busy:1'])))
  for (const [at, from] of ['docker-archive', 'oci-archive'].entries()) {
    execFileSync('skopeo', ['copy', '-q', `${from}:${one}`, `oci-archive:${directory}/${at}.tar:localhost/by-skopeo:${at}`])
    const [image] = await again.store.load(createReadStream(join(directory, `${at}.tar`)), () => undefined)
    assert.deepEqual(image?.diffIds, store.get('busy:1').diffIds)
    assert.ok(again.store.get(`localhost/by-skopeo:${at}`))
  }
})

void test('a tarball becomes an image with changes', asRoot, async () => {
  const { store } = temporaryStore()
  const { layers: tars } = await dockerArchive({ tags: null, layers })
  const image = await store.importTar(source(gzipSync(tars[0]!)), { reference: 'imported', config: { Cmd: ['x'], Env: ['A=1'] }, message: 'made' })
  assert.deepEqual([image.repoTags, image.comment, image.config, image.diffIds], [['imported:latest'], 'made', { Cmd: ['x'], Env: ['A=1'] }, [`sha256:${hexOf(tars[0]!)}`]])
  await assert.rejects(store.importTar(source(tars[0]!), { reference: 'Imported' }), { kind: 'InvalidParameter' })
})

void test('a store that is opened again has the same images', asRoot, async () => {
  const { store, root } = temporaryStore()
  const { archive } = await dockerArchive({ tags: ['busy:latest'], layers })
  await store.load(source(archive), () => undefined)
  store.tag('busy', 'me/second')
  await store.close()
  const again = openStore(root)
  assert.deepEqual(again.store.get('me/second').repoTags, ['busy:latest', 'me/second:latest'])
  assert.equal(again.snapshotter.hasLayer(again.store.get('busy').chainId!), true)
})
