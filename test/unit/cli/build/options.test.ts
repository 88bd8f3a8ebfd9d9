import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compressedOrTar, peek } from '../../../../src/cli/build/archive-head.ts'
import { cacheEntries, entitlements, frontendAttributes } from '../../../../src/cli/build/attributes.ts'
import { readNamedContexts, readSources, type BuildSources } from '../../../../src/cli/build/context.ts'
import { readOutputs } from '../../../../src/cli/build/output.ts'
import { readSecrets } from '../../../../src/cli/build/secrets.ts'
import { FlagValues, type FlagValue } from '../../../../src/cli/grammar/flag.ts'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { encodeHeader } from '../../../../src/lib/tar/writer.ts'

const flags = (given: Record<string, FlagValue>): FlagValues => new FlagValues(new Map(Object.entries(given)))
const outputs = (given: Record<string, FlagValue>): unknown[] =>
  readOutputs(flags(given), { isTTY: true } as NodeJS.WriteStream).map(({ type, attributes, directory, file }) => ({ type, attributes, ...(directory !== undefined && { directory }), ...(file && { file: true }) }))

void test('where results go', () => {
  assert.deepEqual(outputs({}), [{ type: 'moby', attributes: {} }])
  assert.deepEqual(outputs({ tag: ['a', 'b:1'] }), [{ type: 'moby', attributes: { name: 'a,b:1' } }])
  assert.deepEqual(outputs({ output: ['/out'] }), [{ type: 'local', attributes: {}, directory: '/out' }])
  assert.deepEqual(outputs({ output: ['type=oci,dest=/x.tar,compression=zstd'], tag: ['n'] }), [{ type: 'oci', attributes: { compression: 'zstd', name: 'n' }, file: true }])
  assert.deepEqual(outputs({ output: ['type=docker'], tag: ['n'] }), [{ type: 'moby', attributes: { name: 'n' } }])
  assert.deepEqual(outputs({ push: true, tag: ['n'] }), [{ type: 'moby', attributes: { push: 'true', name: 'n' } }])
  assert.deepEqual(outputs({ output: ['type=cacheonly'] }), [])
  assert.deepEqual(outputs({ load: true, output: ['/out'] }).length, 2)
  assert.deepEqual(outputs({ annotation: ['a=b', 'index:c=d'] }), [{ type: 'moby', attributes: { 'annotation.a': 'b', 'annotation-index.c': 'd' } }])
})

void test('outputs that cannot be are refused', () => {
  assert.throws(() => outputs({ push: true }), /tag is needed when pushing to registry/)
  assert.throws(() => outputs({ output: ['-'] }), /refusing to write to console/)
  assert.throws(() => outputs({ output: ['type=local'] }), /dest is required for local output/)
  assert.throws(() => outputs({ output: ['dest=/x,a=b'] }), /type is required for output/)
  assert.throws(() => outputs({ annotation: ['nothing'] }), /invalid annotation "nothing", expected key=value/)
})

void test('flags become attributes of the front end', () => {
  const given = flags({ target: 't', platform: ['linux/amd64', 'linux/arm64'], 'build-arg': ['A=1', 'HOME_OF', 'ABSENT'], label: ['l=v', 'bare'], 'add-host': ['h:10.0.0.1', 'g=host-gateway'], ulimit: ['nofile=5:6'], 'shm-size': 1024, pull: true, 'no-cache': true, network: 'none', provenance: 'mode=max', sbom: 'false' })
  assert.deepEqual(frontendAttributes(given, { HOME_OF: 'x' }), {
    target: 't',
    platform: 'linux/amd64,linux/arm64',
    'force-network-mode': 'none',
    'add-hosts': 'h=10.0.0.1,g=host-gateway',
    ulimit: 'nofile=5:6',
    'shm-size': '1024',
    'image-resolve-mode': 'pull',
    'no-cache': '',
    'multi-platform': 'true',
    'build-arg:A': '1',
    'build-arg:HOME_OF': 'x',
    'label:l': 'v',
    'label:bare': '',
    'attest:provenance': 'mode=max',
    'attest:sbom': 'disabled=true',
  })
  assert.throws(() => frontendAttributes(flags({ network: 'mine' }), {}), /network mode "mine" not supported by buildkit/)
})

void test('entitlements and caches', () => {
  assert.deepEqual(entitlements(flags({ allow: ['security.insecure'], network: 'host' })), ['security.insecure', 'network.host'])
  assert.throws(() => entitlements(flags({ allow: ['all'] })), /invalid entitlement: all/)
  assert.deepEqual(cacheEntries(['r/i:1', 'type=local,src=/c']), [{ type: 'registry', attributes: { ref: 'r/i:1' } }, { type: 'local', attributes: { src: '/c' } }])
  assert.throws(() => cacheEntries(['ref=x']), /type required form/)
})

void test('secrets come from files and the environment', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-secrets-'))
  try {
    writeFileSync(join(directory, 's'), 'file')
    writeFileSync(join(directory, 'big'), Buffer.alloc(600_000))
    const read = readSecrets([`id=a,src=${directory}/s`, 'id=b,env=V', 'id=V', 'type=env,id=c,src=V'], { V: 'variable' })
    assert.deepEqual([...read].map(([id, get]) => [id, Buffer.from(get()).toString()]), [['a', 'file'], ['b', 'variable'], ['V', 'variable'], ['c', 'variable']])
    assert.throws(() => readSecrets([`id=a,src=${directory}/none`], {}), /no such file or directory/)
    assert.throws(() => readSecrets([`id=a,src=${directory}/big`], {}), /too big. max size 500KB/)
    assert.throws(() => readSecrets(['src=x'], {}), /secret missing ID/)
    assert.throws(() => readSecrets(['id=a,what=x'], {}), /unexpected key 'what' in 'what=x'/)
    assert.throws(() => readSecrets(['id'], {}), /invalid field 'id' must be a key=value pair/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

void test('contexts are directories and URLs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-context-'))
  try {
    await assert.rejects(readSources(directory, '', process.stdin), /failed to read dockerfile: open Dockerfile: no such file or directory/)
    writeFileSync(join(directory, 'dockerfile'), 'FROM scratch')
    assert.equal((await readSources(directory, '', process.stdin)).attributes['filename'], 'dockerfile')
    await assert.rejects(readSources(join(directory, 'none'), '', process.stdin), /unable to prepare context: path ".*none" not found/)
    assert.deepEqual((await readSources('https://example.com/x.tar.gz', 'sub/Dockerfile', process.stdin)).attributes, { context: 'https://example.com/x.tar.gz', filename: 'sub/Dockerfile' })
    await assert.rejects(readSources('-', '-', process.stdin), /can't use stdin for both/)
    const sources: BuildSources = { attributes: {}, directories: new Map(), stores: new Map(), sharedKey: '' }
    readNamedContexts([`One=${directory}`, 'two=docker-image://alpine'], sources)
    assert.deepEqual(sources.attributes, { 'context:one': 'local:named one', 'context:two': 'docker-image://alpine' })
    assert.throws(() => readNamedContexts(['nothing'], sources), /invalid context value: nothing, expected key=value/)
    assert.throws(() => readNamedContexts([`x=${directory}/none`], sources), /failed to get build context path/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

void test('a stream is looked at without losing anything of it', async () => {
  const parts = [Buffer.from('FROM '), Buffer.from('scratch')]
  const { head, whole } = await peek((async function* () { yield* parts })())
  assert.equal(head.toString(), 'FROM scratch')
  assert.equal(Buffer.concat(await Array.fromAsync(whole)).toString(), 'FROM scratch')
  assert.equal(compressedOrTar(head), false)
  assert.equal(compressedOrTar(encodeHeader(tarEntry({ name: 'a' }))), true)
  assert.equal(compressedOrTar(Buffer.from('1f8b0800', 'hex')), true)
  assert.equal(compressedOrTar(Buffer.alloc(512, '#')), false)
})
