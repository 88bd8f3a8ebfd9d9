import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Platform } from '../../../../src/containerd/distribution/contract.ts'
import { parseManifest, type ImageIndex } from '../../../../src/containerd/distribution/manifest.ts'
import { parsePlatform, platformText, selectManifest } from '../../../../src/containerd/distribution/platform.ts'

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const index = (...platforms: (Platform | undefined)[]): ImageIndex => ({
  kind: 'index',
  manifests: platforms.map((platform, at) => ({ mediaType: '', digest: digest('abcdef'[at]!), size: 1, attestation: false, ...(platform && { platform }) })),
})
const linux = (architecture: string, variant?: string): Platform => ({ os: 'linux', architecture, ...(variant && { variant }) })
const chosen = (from: ImageIndex, wanted: string): string => selectManifest(from, parsePlatform(wanted)).digest[7]!

void test('the manifest of the platform is taken, whatever comes first', () => {
  const from = index(linux('amd64'), linux('arm64', 'v8'), { os: 'windows', architecture: 'amd64' })
  assert.deepEqual(['linux/amd64', 'x86_64', 'linux/arm64', 'arm64/v8'].map((text) => chosen(from, text === 'arm64/v8' ? 'linux/arm64/v8' : text)), ['a', 'a', 'b', 'b'])
})

void test('an older variant runs on a newer one, the nearest is best', () => {
  const from = index(linux('arm', 'v5'), linux('arm', 'v6'), linux('arm', 'v7'))
  assert.deepEqual(['linux/arm/v6', 'linux/arm/v7', 'linux/arm'].map((text) => chosen(from, text)), ['b', 'c', 'c'])
  assert.equal(chosen(index(linux('arm', 'v5'), linux('arm', 'v7')), 'linux/arm/v6'), 'a')
  assert.throws(() => chosen(index(linux('arm', 'v7')), 'linux/arm/v6'), { kind: 'NotFound' })
})

void test('no match is told with the platform', () => {
  assert.throws(() => chosen(index(linux('amd64'), undefined), 'linux/arm64'), { message: 'no matching manifest for linux/arm64/v8 in the manifest list entries' })
  assert.equal(platformText(parsePlatform('linux/arm64/v8')), 'linux/arm64/v8')
  assert.throws(() => parsePlatform('linux/a b'), { kind: 'InvalidParameter' })
  assert.throws(() => parsePlatform('a/b/c/d'), { kind: 'InvalidParameter' })
})

const refused: [string, string, string][] = [
  ['no JSON', '{', 'InvalidParameter'],
  ['schema 1', '{"schemaVersion":1,"fsLayers":[]}', 'InvalidParameter'],
  ['no layers', '{"schemaVersion":2,"config":{}}', 'InvalidParameter'],
  ['a digest that is a path', `{"config":{"digest":"sha256:../../etc","size":1},"layers":[]}`, 'InvalidParameter'],
  ['a size below zero', `{"config":{"digest":"${digest('a')}","size":-1},"layers":[]}`, 'InvalidParameter'],
  ['no image', `{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"${digest('a')}","size":1},"layers":[]}`, 'InvalidParameter'],
]
for (const [what, text, kind] of refused) {
  void test(`a manifest with ${what} is refused`, () => {
    assert.throws(() => parseManifest(Buffer.from(text), '', 'box'), { kind })
  })
}
