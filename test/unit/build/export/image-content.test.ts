import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnnotations } from '../../../../src/build/export/annotations.ts'
import { attestationManifest, imagePurl } from '../../../../src/build/export/attestation.ts'
import { layerType, readPacking } from '../../../../src/build/export/layer-blob.ts'
import { provenance } from '../../../../src/build/export/provenance.ts'
import type { BuildRequest } from '../../../../src/build/contract.ts'
import { planned } from '../plan/planned.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm = { os: 'linux', architecture: 'arm', variant: 'v7' }
const digest = `sha256:${'a'.repeat(64)}`

void test('annotations go to the level and the platform that they name', () => {
  const found = readAnnotations({ name: 'x', 'annotation.a': '1', 'annotation-manifest[linux/arm/v7].b': '2', 'annotation-index.c': '3', 'annotation-index-descriptor.d': '4', 'annotation-manifest-descriptor[linux/amd64].e.f=g': '5' })
  assert.deepEqual([found.manifest(amd64), found.manifest(arm)], [{ a: '1' }, { a: '1', b: '2' }])
  assert.deepEqual([found.index, found.indexDescriptor], [{ c: '3' }, { d: '4' }])
  assert.deepEqual([found.manifestDescriptor(amd64), found.manifestDescriptor(arm)], [{ 'e.f=g': '5' }, {}])
  assert.throws(() => readAnnotations({ 'annotation-layer.x': '1' }), /unrecognized annotation type layer/)
})

void test('an attestation names the manifest that it is about, and its names as package URLs', async () => {
  const statement = { predicateType: 'https://example.com/x', predicate: { a: 1 } }
  const { manifest, descriptor, blobs } = attestationManifest([statement], { digest, names: ['docker.io/library/bb:1', 'localhost:5000/a/b:2'], platform: arm })
  assert.deepEqual(descriptor.annotations, { 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' })
  assert.deepEqual(descriptor.platform, { architecture: 'unknown', os: 'unknown' })
  const document = JSON.parse(manifest.bytes.toString()) as { layers: { mediaType: string; digest: string; annotations: object }[]; config: { digest: string } }
  assert.deepEqual(document.layers.map(({ mediaType, annotations }) => [mediaType, annotations]), [['application/vnd.in-toto+json', { 'in-toto.io/predicate-type': 'https://example.com/x' }]])
  assert.deepEqual(new Set(blobs.map((blob) => blob.digest)), new Set([document.layers[0]!.digest, document.config.digest]))
  const text = Buffer.concat(await Array.fromAsync(blobs[0]!.open(), (chunk) => Buffer.from(chunk))).toString()
  const { subject } = JSON.parse(text) as { subject: { name: string }[] }
  assert.deepEqual(subject.map(({ name }) => name), ['pkg:docker/bb@1?platform=linux%2Farm%2Fv7', imagePurl('localhost:5000/a/b:2', arm)])
})

void test('compressions of layers have their names, and those that there are none of are refused', () => {
  assert.deepEqual(readPacking({}), { kind: 'gzip', force: false })
  assert.deepEqual(readPacking({ compression: 'zstd', 'compression-level': '3', 'force-compression': 'true' }), { kind: 'zstd', level: 3, force: true })
  assert.throws(() => readPacking({ compression: 'estargz' }), /estargz is not supported/)
  assert.throws(() => readPacking({ compression: 'lzma' }), /unsupported compression type lzma/)
  assert.throws(() => readPacking({ 'compression-level': 'x' }), /non-integer value x/)
  const oci = 'application/vnd.oci.image.layer.v1.tar'
  assert.deepEqual((['none', 'gzip', 'zstd'] as const).map((kind) => layerType(oci, kind)), [oci, `${oci}+gzip`, `${oci}+zstd`])
  assert.equal(layerType('application/vnd.docker.image.rootfs.diff.tar', 'gzip'), 'application/vnd.docker.image.rootfs.diff.tar.gzip')
})

void test('provenance tells values of arguments with mode=max alone, and of secrets their names', async () => {
  const plan = await planned('FROM base\nARG WORD\nRUN --mount=type=secret,id=key,required --mount=type=ssh true\n', { buildArgs: { WORD: 'told', HTTP_PROXY: 'http://proxy' } })
  const facts = (mode: 'min' | 'max') => provenance({ request: request(mode), plan, own: amd64, id: 'i', started: 0, finished: 1000 })
  const [min, max] = [JSON.stringify(facts('min')), JSON.stringify(facts('max'))]
  assert.doesNotMatch(min, /told|secrets|llbDefinition|RlJPTS/)
  assert.match(max, /"build-arg:WORD":"told"/)
  assert.match(max, /"secrets":\[\{"id":"key"\}\],"ssh":\[\{"id":"default","optional":true\}\]/)
  assert.doesNotMatch(max, /http:\/\/proxy/)
  assert.match(min, /"completeness":\{"parameters":false/)
})

function request(mode: 'min' | 'max'): BuildRequest {
  return { dockerfile: { name: 'Dockerfile', text: 'FROM base\n' }, buildArgs: { WORD: 'told' }, labels: { l: 'v' }, noCache: false, attestations: { provenance: mode } } as unknown as BuildRequest
}
