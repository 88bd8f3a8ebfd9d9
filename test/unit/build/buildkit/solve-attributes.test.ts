import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAttributes } from '../../../../src/build/buildkit/solve-attributes.ts'

void test('attributes of the front end become a request', () => {
  const read = readAttributes({
    filename: 'Dockerfile',
    target: 'prod',
    platform: 'linux/amd64,linux/arm64',
    'build-arg:A': '1',
    'build-arg:SOURCE_DATE_EPOCH': '1700000000',
    'label:x.y': 'z',
    'no-cache': 'One,two',
    'image-resolve-mode': 'pull',
    'force-network-mode': 'none',
    'add-hosts': 'a=10.0.0.1,"b=::1"',
    ulimit: 'nofile=1024:2048,core=0',
    'shm-size': '67108864',
    'cgroup-parent': '/x',
    'cache-imports': '[{"Type":"registry","Attrs":{"ref":"r/c"}}]',
    'cache-from': 'r/d',
    'attest:provenance': 'mode=max',
    'attest:sbom': 'disabled=true',
  })
  assert.deepEqual(
    { ...read, buildArgs: { ...read.buildArgs }, labels: { ...read.labels } },
    {
      target: 'prod',
      platforms: ['linux/amd64', 'linux/arm64'],
      buildArgs: { A: '1', SOURCE_DATE_EPOCH: '1700000000' },
      labels: { 'x.y': 'z' },
      noCache: ['one', 'two'],
      pull: true,
      run: { network: 'none', extraHosts: ['a:10.0.0.1', 'b:::1'], ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }, { Name: 'core', Soft: 0, Hard: 0 }], cgroupParent: '/x', shmSize: 67108864 },
      cacheFrom: [{ type: 'registry', attributes: { ref: 'r/c' } }, { type: 'registry', attributes: { ref: 'r/d' } }],
      attestations: { provenance: 'max' },
      sourceDateEpoch: 1700000000,
    },
  )
})

void test('an empty no-cache is everything, and an absent one nothing', () => {
  assert.equal(readAttributes({ 'no-cache': '' }).noCache, true)
  assert.equal(readAttributes({}).noCache, false)
})

void test('bad attributes are refused with their texts', () => {
  const bad: [Record<string, string>, RegExp][] = [
    [{ 'image-resolve-mode': 'x' }, /invalid image-resolve-mode: x/],
    [{ 'force-network-mode': 'mine' }, /network mode "mine" not supported by buildkit/],
    [{ 'add-hosts': 'nothing' }, /invalid key-value pair nothing/],
    [{ ulimit: 'nofile' }, /invalid ulimit argument: nofile/],
    [{ 'shm-size': 'big' }, /failed to parse shm-size/],
    [{ 'build-arg:SOURCE_DATE_EPOCH': 'now' }, /invalid SOURCE_DATE_EPOCH: now/],
    [{ 'cache-imports': '{' }, /failed to unmarshal cache-imports/],
    [{ 'cache-imports': '[{"Type":"gha"}]' }, /unknown cache type: "gha"/],
    [{ 'attest:provenance': 'mode=all' }, /invalid mode all/],
  ]
  for (const [attributes, message] of bad) assert.throws(() => readAttributes(attributes), message)
})
