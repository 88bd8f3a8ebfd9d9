import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { assertNothingLeftOfContainers, assertNothingLeftOfEngine, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { findOldDocker, findProgram } from './harness/program.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { must, run } from './harness/run.ts'
import { openTerminal } from './harness/terminal.ts'

const missing = ['skopeo', 'docker-registry'].filter((name) => findProgram(name) === undefined)
/** A client of before the buildx plugin. */
const oldDocker = findOldDocker()
const address = '127.0.0.1:5000'

/** What the client printed, for a build that has to succeed. */
async function built(client: Client, ...args: string[]): Promise<string> {
  const { code, stderr } = await client.docker('build', '--progress=plain', ...args)
  assert.equal(code, 0, stderr)
  return stderr
}

function sleeping(): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x004322\0'
    } catch {
      return false
    }
  })
}

interface Manifest {
  mediaType: string
  config?: { mediaType: string; digest: string }
  layers?: { mediaType: string; digest: string; annotations?: Record<string, string> }[]
  manifests?: { mediaType: string; digest: string; platform?: { architecture: string }; annotations?: Record<string, string> }[]
  annotations?: Record<string, string>
}

void describe('what builds give away and take in', { concurrency: false, skip: missing.length > 0 && `missing: ${missing.join(', ')}` }, () => {
  let engine: Engine
  let gantry: Client
  let registry: Registry
  let clean: Footprint

  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    gantry = makeClient('gantry', engine)
    await provideImages(gantry, [tiny])
    registry = await startRegistry(engine, { address })
    clean = await takeFootprint(engine)
  })
  after(async () => {
    await registry.stop()
    await assertNothingLeftOfContainers(engine, clean)
    await engine.shutDown()
    await assertNothingLeftOfEngine(engine)
    await engine.remove()
  })

  const at = (...names: string[]) => path.join(engine.directory, ...names)

  /** A new directory with these files. */
  function context(name: string, files: Record<string, string>): string {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(at(name, file)), { recursive: true })
      writeFileSync(at(name, file), text)
    }
    return at(name)
  }

  /** As skopeo reads it from the registry. */
  const raw = async (name: string): Promise<Manifest> => JSON.parse(await engine.host.must(['skopeo', 'inspect', '--tls-verify=false', '--raw', `docker://${address}/${name}`])) as Manifest
  const forget = async (...images: string[]) => {
    await gantry.ok('rmi', ...images)
    await gantry.ok('builder', 'prune', '-af')
  }

  const steps = `FROM ${tiny} AS base
RUN --mount=type=cache,target=/cc echo x >> /cc/f; cat /proc/sys/kernel/random/uuid > /id; wc -l < /cc/f > /count
FROM base AS side
RUN cat /proc/sys/kernel/random/uuid > /side
FROM base
COPY --from=side /side /side
COPY a /a
`

  void test('a cache in a registry gives every step back to an engine that has forgotten them; with mode=min only those of the result', async () => {
    const directory = context('cached', { Dockerfile: steps, a: 'A' })
    const [max, min] = [`type=registry,ref=${address}/cache:max`, `type=registry,ref=${address}/cache:min`]
    assert.match(await built(gantry, '-t', 'cached', '--cache-to', `${max},mode=max,compression=zstd`, '--cache-to', `${min},image-manifest=true`, directory), /exporting cache to registry/)
    const id = await gantry.ok('inspect', '-f', '{{.Id}}', 'cached')
    const manifest = await raw('cache:max')
    assert.equal(manifest.config?.mediaType, 'application/vnd.buildkit.cacheconfig.v0')
    assert.deepEqual(new Set(manifest.layers?.map(({ mediaType }) => mediaType)), new Set(['application/vnd.oci.image.layer.v1.tar+zstd']))
    assert.equal((await raw('cache:min')).layers?.length, 3, 'three layers of the result and not the side stage')
    await forget('cached')
    const again = await built(gantry, '-t', 'cached', '--cache-from', max, directory)
    assert.equal(again.match(/^#\d+ CACHED$/gm)?.length, 4, again)
    assert.equal(await gantry.ok('inspect', '-f', '{{.Id}}', 'cached'), id)
    await forget('cached')
    if (oldDocker !== undefined) {
      const old = await run([oldDocker, 'build', '--progress=plain', '-t', 'cached', '--cache-from', `${address}/cache:max`, directory], { env: { ...gantry.env, DOCKER_BUILDKIT: '1' } })
      assert.equal(old.stderr.match(/^#\d+ CACHED$/gm)?.length, 4, old.stderr)
      await forget('cached')
    }
    const partly = await built(gantry, '-t', 'cached', '--cache-from', min, directory)
    assert.match(partly, /\[base 2\/2\] RUN .*\n#\d+ CACHED/)
    assert.doesNotMatch(partly, /\[side 1\/1\] RUN .*\n#\d+ CACHED/)
    await forget('cached')
  })

  void test('a cache in a directory goes to another engine, with its cache mounts when asked', async () => {
    const directory = context('carried', { Dockerfile: steps, a: 'A' })
    const place = at('cache')
    await built(gantry, '-t', 'carried', '--cache-to', `type=local,dest=${place},mode=max,mounts=true`, directory)
    const here = await gantry.ok('run', '--rm', 'carried', 'cat', '/id', '/side')
    const other = await startEngine({ kind: 'gantryd' })
    try {
      const there = makeClient('gantry', other)
      await provideImages(there, [tiny])
      const log = await built(there, '-t', 'carried', '--cache-from', `type=local,src=${place},mounts=true`, directory)
      assert.equal(log.match(/^#\d+ CACHED$/gm)?.length, 4, log)
      assert.equal(await there.ok('run', '--rm', 'carried', 'cat', '/id', '/side'), here)
      writeFileSync(path.join(directory, 'Dockerfile'), `FROM ${tiny}\nRUN --mount=type=cache,target=/cc wc -l < /cc/f > /count\n`)
      await built(there, '-t', 'mount', '--cache-from', `type=local,src=${place},mounts=true`, directory)
      const count = Number(await there.ok('run', '--rm', 'mount', 'cat', '/count'))
      assert.ok(count > 0, 'the other engine began with the lines of this one')
      // What a directory has is not believed: a changed blob is a step that is done again.
      const config = JSON.parse(readFileSync(path.join(place, 'index.json'), 'utf8')) as Manifest
      const { layers } = JSON.parse(readFileSync(path.join(place, 'blobs/sha256', config.manifests![0]!.digest.slice(7)), 'utf8')) as Manifest
      for (const { digest } of layers!) writeFileSync(path.join(place, 'blobs/sha256', digest.slice(7)), 'spoiled')
      await there.ok('rmi', 'carried', 'mount')
      await there.ok('builder', 'prune', '-af')
      writeFileSync(path.join(directory, 'Dockerfile'), steps)
      const spoiled = await built(there, '-t', 'carried', '--cache-from', `type=local,src=${place}`, directory)
      assert.doesNotMatch(spoiled, /CACHED/)
    } finally {
      await other.shutDown()
      await other.remove()
    }
    await forget('carried')
  })

  void test('provenance and a bill of materials stand beside the image in its index, and a secret in neither', async () => {
    const directory = context('attested', {
      Dockerfile: `FROM ${tiny}\nARG WORD\nRUN --mount=type=secret,id=key cat /run/secrets/key > /dev/null\nCOPY status /var/lib/dpkg/status\nCOPY package.json /app/node_modules/left-pad/package.json\n`,
      status: 'Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n',
      'package.json': '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}',
      key: 'very-s3cret-word',
    })
    const file = at('facts.json')
    const flags = ['--attest', 'type=provenance,mode=max', '--sbom=true', '--annotation', 'org.example.a=1', '--annotation', 'index:org.example.b=2', '--build-arg', 'WORD=w', '--secret', `id=key,src=${directory}/key`]
    await built(gantry, ...flags, '-t', `${address}/attested:1`, '--push', '--metadata-file', file, directory)
    const index = await raw('attested:1')
    const [image, attestation] = index.manifests!
    assert.deepEqual(index.annotations, { 'org.example.b': '2' })
    assert.deepEqual(attestation?.annotations, { 'vnd.docker.reference.digest': image!.digest, 'vnd.docker.reference.type': 'attestation-manifest' })
    assert.equal(attestation.platform?.architecture, 'unknown')
    assert.deepEqual((await raw(`attested@${image!.digest}`)).annotations, { 'org.example.a': '1' })
    const { layers } = await raw(`attested@${attestation.digest}`)
    const texts = await Promise.all(layers!.map(({ digest }) => engine.host.must(['curl', '-sf', `http://${address}/v2/attested/blobs/${digest}`])))
    assert.doesNotMatch(texts.join(''), /very-s3cret-word/)
    const statements = texts.map((text) => JSON.parse(text) as { predicateType: string; subject: { digest: { sha256: string } }[]; predicate: Record<string, unknown> })
    for (const { subject } of statements) assert.equal(`sha256:${subject[0]!.digest.sha256}`, image!.digest)
    const [sbom, provenance] = statements
    const packages = (sbom!.predicate['packages'] as { name: string; versionInfo?: string; externalRefs?: { referenceLocator: string }[] }[]).slice(1)
    assert.deepEqual(packages.map(({ name, versionInfo }) => `${name} ${versionInfo}`), ['hello 2.10-3', 'left-pad 1.3.0'])
    assert.match(packages[0]!.externalRefs![0]!.referenceLocator, /^pkg:deb\/gantry-test\/hello@2\.10-3\?arch=amd64/)
    assert.equal(provenance!.predicateType, 'https://slsa.dev/provenance/v0.2')
    const { invocation, materials } = provenance!.predicate as { invocation: { parameters: { args: Record<string, string>; secrets: { id: string }[] } }; materials: { uri: string }[] }
    assert.deepEqual([invocation.parameters.args['build-arg:WORD'], invocation.parameters.secrets[0]!.id], ['w', 'key'])
    assert.match(materials[0]!.uri, /^pkg:docker\/tiny@latest/)
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)['containerimage.digest'], await engine.host.must(['skopeo', 'inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${address}/attested:1`]))
    // Without "max" values of arguments are not told.
    await built(gantry, '--provenance=true', '--build-arg', 'WORD=w', '--secret', `id=key,src=${directory}/key`, '-o', `type=oci,dest=${at('min.tar')}`, directory)
    const min = await must(['tar', '-xOf', at('min.tar'), '--wildcards', 'blobs/*'])
    assert.match(min, /slsa\.dev\/provenance/)
    assert.doesNotMatch(min, /build-arg:WORD/)
    await built(gantry, '--provenance=true', '--secret', `id=key,src=${directory}/key`, '-t', 'loaded:1', '-o', `type=docker,dest=${at('loaded.tar')}`, directory)
    await gantry.ok('rmi', `${address}/attested:1`)
    assert.match(await gantry.ok('load', '-i', at('loaded.tar')), /Loaded image: loaded:1/)
    assert.equal(await gantry.ok('run', '--rm', 'loaded:1', 'head', '-1', '/var/lib/dpkg/status'), 'Package: hello')
    const refused = await gantry.docker('build', '--annotation', 'index:a=b', '--secret', `id=key,src=${directory}/key`, '-o', `type=oci,dest=${at('x.tar')}`, directory)
    assert.match(refused.stderr, /index annotations not supported for single platform export/)
    await gantry.ok('rmi', 'loaded:1')
  })

  void test('what is said of an image is kept with its name, goes with a push, and goes away with it', async () => {
    const directory = context('kept', { Dockerfile: `FROM ${tiny}\nRUN echo kept > /kept\n` })
    const [one, two] = [`${address}/kept:1`, `${address}/kept:2`]
    const facts = at('kept.json')
    await built(gantry, '--provenance=mode=max', '--sbom=true', '-t', one, '-t', two, '--metadata-file', facts, directory)
    const told = JSON.parse(readFileSync(facts, 'utf8')) as Record<string, string>
    assert.equal(told['containerimage.config.digest'], await gantry.ok('inspect', '-f', '{{.Id}}', one))
    const here = async () => (JSON.parse((await engine.api({ path: `/images/${one}/json?manifests=1` })).text) as { Manifests: { Kind: string; Available: boolean }[] }).Manifests.map(({ Kind, Available }) => [Kind, Available])
    assert.deepEqual(await here(), [['image', true], ['attestation', true]])
    assert.match(await gantry.ok('push', one), new RegExp(`^1: digest: ${told['containerimage.digest']} `, 'm'))
    const { manifests } = await raw('kept:1')
    const { layers } = await raw(`kept@${manifests![1]!.digest}`)
    assert.deepEqual(layers!.map(({ annotations }) => annotations!['in-toto.io/predicate-type']), ['https://spdx.dev/Document', 'https://slsa.dev/provenance/v0.2'])
    for (const { digest } of layers!) await engine.host.must(['curl', '-sf', '-o', '/dev/null', `http://${address}/v2/kept/blobs/${digest}`])
    // The same image without: the name stands for nothing else then.
    await built(gantry, '-t', one, directory)
    assert.equal(await gantry.ok('inspect', '-f', '{{.Id}}', one), told['containerimage.config.digest'])
    await gantry.ok('push', '-q', one)
    assert.equal((await raw('kept:1')).manifests, undefined)
    await engine.kill9()
    await engine.start()
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
    assert.match(await gantry.ok('push', two), new RegExp(`^2: digest: ${told['containerimage.digest']} `, 'm'))
    await gantry.ok('rmi', one, two)
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
  })

  void test('several platforms make an index, a directory each, and what cannot run here is said by name', async () => {
    const directory = context('platforms', {
      Dockerfile: `FROM --platform=$BUILDPLATFORM ${tiny} AS cross
ARG TARGETARCH
RUN echo for $TARGETARCH > /out
FROM --platform=$BUILDPLATFORM ${tiny} AS same
RUN cat /proc/sys/kernel/random/uuid > /same
FROM scratch
COPY --from=cross /out /out
COPY --from=same /same /same
`,
    })
    const both = ['--platform', 'linux/amd64,linux/arm64']
    const log = await built(gantry, ...both, '-t', `${address}/multi:1`, directory)
    assert.match(log, /\[linux\/arm64 stage-2 1\/2\] COPY/)
    assert.equal(log.match(/\[linux\/\w+ same 2\/2\] RUN/g)?.length, 1, 'what both need is done once')
    await gantry.ok('push', `${address}/multi:1`)
    assert.deepEqual((await raw('multi:1')).manifests?.map(({ platform }) => platform?.architecture), ['amd64', 'arm64'])
    await built(gantry, ...both, '-o', at('multi'), directory)
    assert.deepEqual(readdirSync(at('multi')).toSorted(), ['linux_amd64', 'linux_arm64'])
    const read = (...names: string[]) => readFileSync(at('multi', ...names), 'utf8')
    assert.deepEqual([read('linux_amd64/out'), read('linux_arm64/out')], ['for amd64\n', 'for arm64\n'])
    assert.equal(read('linux_amd64/same'), read('linux_arm64/same'))
    await built(gantry, ...both, '--provenance=true', '-o', `type=oci,dest=${at('multi.tar')}`, directory)
    assert.equal(await must(['skopeo', 'inspect', '--override-arch', 'arm64', '--format', '{{.Architecture}}', `oci-archive:${at('multi.tar')}`]), 'arm64')
    const docker = await gantry.docker('build', ...both, '-o', `type=docker,dest=${at('no.tar')}`, directory)
    assert.match(docker.stderr, /docker exporter does not currently support exporting manifest lists/)
    await foreignBase('foreign')
    const failed = await gantry.dockerWith({ input: 'FROM foreign\nRUN echo hi\n' }, 'build', '--platform', 'linux/arm64', '-')
    assert.match(failed.stderr, />>> RUN echo hi/)
    assert.match(failed.stderr, /exec format error: the step runs programs of linux\/arm64, which this host \(linux\/amd64\) has no emulator for/)
    await gantry.ok('rmi', 'foreign', `${address}/multi:1`)
  })

  /** An image whose shell is of another machine. */
  async function foreignBase(name: string): Promise<void> {
    const shell = readFileSync('/bin/busybox')
    shell.writeUInt16LE(183, 18)
    mkdirSync(at(name, 'bin'), { recursive: true })
    writeFileSync(at(name, 'bin/sh'), shell, { mode: 0o755 })
    await must(['tar', '-C', at(name), '-cf', at(`${name}.tar`), '.'])
    await gantry.ok('import', '--platform', 'linux/arm64', at(`${name}.tar`), name)
  }

  void test('an OCI layout is a result and a base, and no image stays behind', async () => {
    const directory = context('layout', { Dockerfile: `FROM ${tiny}\nCOPY a /a\n`, a: 'A' })
    await built(gantry, '-t', 'l:one', '-o', `type=oci,tar=false,dest=${at('oci')}`, directory)
    await must(['skopeo', 'copy', '-q', '--insecure-policy', `oci:${at('oci')}:one`, `oci:${at('oci2')}:two`])
    const upon = context('upon', { Dockerfile: 'FROM base AS one\nRUN cat /a > /b\nFROM alias\nCOPY --from=more /a /c\n' })
    await built(gantry, '-t', 'upon', '--build-context', `base=oci-layout://${at('oci2')}:two`, '--build-context', `more=oci-layout://${at('oci')}:one`, '--build-context', 'alias=target:one', upon)
    assert.equal(await gantry.ok('run', '--rm', 'upon', 'cat', '/a', '/b', '/c'), 'AAA')
    assert.deepEqual((await gantry.ok('images', '-a', '--format', '{{.Repository}}')).split('\n').toSorted(), ['tiny', 'upon'])
    const absent = await gantry.docker('build', '--build-context', `base=oci-layout://${at('oci')}:nine`, upon)
    assert.match(absent.stderr, /tag "nine" not found/)
    await gantry.ok('rmi', 'upon')
  })

  void test('in a step that has failed a shell shows what it left, and leaves nothing itself', async () => {
    const directory = context('debugged', { Dockerfile: `FROM ${tiny}\nENV X=envy\nRUN --mount=type=cache,target=/cc echo left > /left; exit 3\n` })
    await using terminal = await openTerminal({ ...gantry, engine }, { columns: 160, rows: 40 })
    await terminal.type(`$D build --debug ${directory}`)
    await terminal.shows(/exit code: 3[^]*its end ends the build/)
    await terminal.type('cat /left; echo $X; ls -d /cc; exit')
    await terminal.shows(/left\nenvy\n\/cc\n/)
    await terminal.shows(/ERROR: failed to solve: process .* did not complete successfully: exit code: 3/)
    // A client that is killed takes the shell with it, and all that the step was.
    await terminal.type(`clear; sh -c 'echo $$ > ${at('client')}; exec $D build --debug ${directory}'`)
    await terminal.shows(/its end ends the build/)
    await terminal.type('exec sleep 4322')
    await eventually(() => assert.ok(sleeping(), 'the shell is there'))
    process.kill(Number(readFileSync(at('client'), 'utf8')), 'SIGKILL')
    await eventually(() => assert.ok(!sleeping(), 'it has ended'))
    await eventually(() => assertNothingLeftOfContainers(engine, clean))
  })

  void test('builds that are over can be listed, looked at, replayed and forgotten', async () => {
    await gantry.ok('builder', 'history', 'rm', '--all')
    const directory = context('remembered', { Dockerfile: `FROM ${tiny}\nRUN echo spoken\n` })
    await built(gantry, '--no-cache', '-t', 'remembered', '--build-arg', 'A=b', directory)
    await gantry.dockerWith({ input: `FROM ${tiny}\nRUN exit 9\n` }, 'build', '-')
    assert.deepEqual((await gantry.ok('builder', 'history', 'ls', '--format', '{{.Name}} {{.Status}}')).split('\n'), ['Dockerfile Error', 'remembered Completed'])
    const facts = JSON.parse(await gantry.ok('builder', 'history', 'inspect', '--format', 'json', '^1')) as { Status: string; Attributes: Record<string, string>; Result: Record<string, string>; NumCachedSteps: number }
    assert.deepEqual([facts.Status, facts.Attributes['build-arg:A'], facts.NumCachedSteps], ['completed', 'b', 0])
    assert.equal(facts.Result['containerimage.config.digest'], await gantry.ok('inspect', '-f', '{{.Id}}', 'remembered'))
    assert.match(await gantry.ok('builder', 'history', 'inspect'), /Error: process "\/bin\/sh -c exit 9" did not complete/)
    assert.match(await gantry.ok('builder', 'history', 'logs', '^1'), /\[2\/2\] RUN echo spoken\n#\d+ \d\.\d+ spoken/)
    await gantry.ok('builder', 'history', 'rm', '^0')
    assert.equal((await gantry.ok('builder', 'history', 'ls', '--format', '{{.Status}}')).trim(), 'Completed')
    await gantry.ok('rmi', 'remembered')
  })

  void test('pruning to a cap takes what was used longest ago and ends at it', async () => {
    await gantry.ok('builder', 'prune', '-af')
    for (const name of ['old', 'young']) await built(gantry, '-o', 'type=cacheonly', context(name, { Dockerfile: `FROM ${tiny}\nRUN echo ${name}; dd if=/dev/urandom of=/f bs=1M count=3 2> /dev/null\n` }))
    await gantry.ok('builder', 'prune', '-af', '--max-used-space', '4MB')
    assert.match(await gantry.ok('builder', 'du'), /Total:\s+3\.\d+MB/)
    assert.match(await built(gantry, '-o', 'type=cacheonly', at('young')), /RUN echo young.*\n#\d+ CACHED/)
    assert.match((await gantry.ok('builder', 'prune', '-af', '--max-used-space', '1kB', '--reserved-space', '1GB')).trim(), /Total reclaimed space: 0B/)
  })

  const withoutSsh = { skip: ['ssh-keygen', 'ssh-add'].some((name) => findProgram(name) === undefined) && 'there is no ssh-keygen' }

  void test('key files are an agent for a step, and never in it', withoutSsh, async () => {
    const types = ['ed25519', 'rsa', 'ecdsa']
    const directory = context('keys', { Dockerfile: 'FROM scratch\nCOPY root /\nRUN --mount=type=ssh ["/bin/ssh-add", "-L"]\n' })
    mkdirSync(path.join(directory, 'root/bin'), { recursive: true })
    copyFileSync(findProgram('ssh-add')!, path.join(directory, 'root/bin/ssh-add'))
    for (const [library] of (await must(['ldd', findProgram('ssh-add')!])).matchAll(/\/\S+/g)) {
      mkdirSync(path.join(directory, 'root', path.dirname(library)), { recursive: true })
      copyFileSync(library, path.join(directory, 'root', library))
    }
    for (const type of types) await must(['ssh-keygen', '-q', '-t', type, '-N', '', '-C', '', '-f', at(`key-${type}`)])
    const log = await built(gantry, '-o', at('keys-out'), '--ssh', `default=${types.map((type) => at(`key-${type}`)).join(',')}`, directory)
    for (const type of types) assert.ok(log.includes(readFileSync(at(`key-${type}.pub`), 'utf8').trim()), `the step sees the ${type} key`)
    assert.ok(!readdirSync(at('keys-out'), { recursive: true }).join(' ').includes('ssh_agent'))
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', 'word', '-f', at('locked')])
    assert.match((await gantry.docker('build', '--ssh', `default=${at('locked')}`, directory)).stderr, /this private key is passphrase protected/)
  })
})
