import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { makeClient } from './harness/client.ts'
import { rootfsArchive } from './harness/image.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

/** Images of several platforms under one name, as Docker's containerd store keeps them. Debian's registry and skopeo are the strangers. */
const address = '127.0.0.1:5000'
const name = `${address}/multi`
const own = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'
const other = own === 'linux/arm64' ? 'linux/amd64' : 'linux/arm64'
const listType = 'application/vnd.docker.distribution.manifest.list.v2+json'

if (engineUnderTest === 'gantryd') throughEachClient('images of several platforms', (stage) => {
  let registry: Registry
  let list = ''
  const digest = () => `sha256:${createHash('sha256').update(list).digest('hex')}`
  const raw = (reference: string) => stage.engine.host.must(['skopeo', '--insecure-policy', 'inspect', '--tls-verify=false', '--raw', `docker://${reference}`])
  const label = (reference: string, ...platform: string[]) => stage.ok('image', 'inspect', ...platform, '-f', '{{.Config.Labels.platform}}', reference)
  const archive = (file: string) => path.join(stage.engine.directory, file)
  /** Is it whole by the engine's own check? */
  const clean = async () => assert.match(await makeClient('gantry', stage.engine).ok('system', 'check', '--full'), /: clean$/)
  /** Lines of the platforms: which, and whether there is anything of it. */
  const tree = async () => [...(await stage.ok('images', '--tree')).matchAll(/^[├└]─ (\S+) +\w{12} +(\S+) +\S+ +(U?)/gmu)].map(([, platform, size, used]) => [platform, size !== '0B', used === 'U'])

  before(async () => {
    registry = await startRegistry(stage.engine, { address })
    const manifests = []
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const [, architecture] = platform.split('/')
      const one = `${name}:${architecture}`
      // The same programs under either name, so that both run here.
      await stage.ok('import', '--platform', platform, '-c', `LABEL platform=${platform}`, '-c', `CMD ["echo", "${platform}"]`, await rootfsArchive(tiny), one)
      await stage.ok('push', '-q', one)
      const manifest = await raw(one)
      manifests.push({ mediaType: (JSON.parse(manifest) as { mediaType: string }).mediaType, digest: `sha256:${createHash('sha256').update(manifest).digest('hex')}`, size: manifest.length, platform: { architecture, os: 'linux' } })
      await stage.ok('rmi', one)
    }
    list = JSON.stringify({ schemaVersion: 2, mediaType: listType, manifests })
    await stage.engine.host.must(['curl', '-sfX', 'PUT', '-H', `Content-Type: ${listType}`, '-d', list, `http://${name.replace('/', '/v2/')}/manifests/latest`])
  })
  after(() => registry.stop())

  void test('another platform comes beside the own one, which the name goes on to mean', async () => {
    await stage.ok('pull', '-q', name)
    assert.deepEqual(await tree(), [['linux/amd64', own === 'linux/amd64', false], ['linux/arm64', own === 'linux/arm64', false]])
    const { stderr } = await stage.docker('image', 'inspect', '--platform', other, name)
    assert.match(stderr, new RegExp(`image with reference ${name} was found but its platform \\(${own}(/v8)?\\) does not match the specified platform \\(${other}(/v8)?\\)`))
    assert.match(await stage.ok('pull', '--platform', other, name), /^Status: Downloaded newer image for /m)
    assert.match(await stage.ok('pull', '--platform', other, name), /^Status: Image is up to date for /m)
    assert.deepEqual(await tree(), [['linux/amd64', true, false], ['linux/arm64', true, false]])
    // One row, two platforms, one index.
    assert.equal(await stage.ok('images', '--digests', '--format', '{{.Digest}}', name), digest())
    assert.deepEqual([await label(name), await label(name, '--platform', other), await label(`${name}@${digest()}`, '--platform', other)], [own, other, other])
    assert.notEqual(await stage.ok('history', '-q', '--no-trunc', '--platform', other, name), await stage.ok('history', '-q', '--no-trunc', name))
    const { text } = await stage.engine.api({ path: `/images/${name}/json?manifests=1` })
    const { Manifests, Descriptor } = JSON.parse(text) as { Manifests: { ID: string; Available: boolean; Kind: string }[]; Descriptor: { digest: string } }
    assert.deepEqual([Descriptor.digest, Manifests.map(({ ID, Available, Kind }) => [ID, Available, Kind])], [digest(), (JSON.parse(list) as { manifests: { digest: string }[] }).manifests.map((each) => [each.digest, true, 'image'])])
    assert.equal((await stage.engine.api({ path: `/v1.46/images/${name}/json?manifests=1` })).text.includes('Manifests'), false)
  })

  void test('containers are of the platform that is asked for, and keep it', async () => {
    assert.equal(await stage.ok('run', '--rm', '--network', 'none', name), own)
    assert.equal(await stage.ok('run', '--rm', '--network', 'none', '--platform', other, name), other)
    const container = await stage.ok('create', '--platform', other, name)
    assert.deepEqual((await tree()).find(([platform]) => platform === other), [other, true, true])
    assert.match((await stage.docker('rmi', '--platform', other, name)).stderr, /must be forced\) - image is being used by stopped container/)
    assert.match((await stage.docker('rmi', name)).stderr, /must force\) - container \w+ is using its referenced image/)
    assert.equal(await stage.ok('image', 'prune', '-af', '--filter', 'label=platform'), 'Total reclaimed space: 0B')
    assert.equal(await label(name, '--platform', other), other)
    await stage.ok('rm', container)
    assert.match((await stage.docker('run', '--rm', '--pull', 'never', '--platform', 'linux/s390x', name)).stderr, /was found but does not provide the specified platform \(linux\/s390x\)/)
  })

  void test('a push gives the whole index back, byte for byte, and one platform when the others are not here', async () => {
    const again = `${address}/again:1`
    await stage.ok('tag', name, again)
    assert.match(await stage.ok('push', again), new RegExp(`^1: digest: ${digest()} size: ${list.length}$`, 'm'))
    assert.equal(await raw(again), list)
    await stage.ok('push', '-q', '--platform', other, again)
    assert.notEqual(await raw(again), list)
    await stage.ok('rmi', '--platform', other, again)
    // The names of one index lose it together: it is the content that goes.
    assert.deepEqual(await tree(), [['linux/amd64', own === 'linux/amd64', false], ['linux/arm64', own === 'linux/arm64', false]])
    await stage.ok('push', again)
    assert.equal((JSON.parse(await raw(again)) as { config?: { digest: string } }).config?.digest, await stage.ok('inspect', '-f', '{{.Id}}', name))
    await clean()
    await stage.ok('rmi', again)
    await stage.ok('pull', '-q', '--platform', other, name)
  })

  void test('an archive has every platform that is here, or the one that is asked for', async () => {
    await stage.ok('save', '-o', archive('all.tar'), name)
    await stage.ok('save', '--platform', other, '-o', archive('other.tar'), name)
    await must(['mkdir', archive('layout')])
    await must(['tar', '-C', archive('layout'), '-xf', archive('all.tar')])
    const architectures = await Promise.all(['amd64', 'arm64'].map((architecture) => must(['skopeo', '--override-arch', architecture, 'inspect', '--config', '--format', '{{.Architecture}} {{index .Config.Labels "platform"}}', `oci:${archive('layout')}`])))
    assert.deepEqual(architectures, ['amd64 linux/amd64', 'arm64 linux/arm64'])
    const ids = [await stage.ok('image', 'inspect', '-f', '{{.Id}}', name), await stage.ok('image', 'inspect', '--platform', other, '-f', '{{.Id}}', name)]
    await stage.ok('rmi', '-f', ids[0]!)
    assert.equal(await stage.ok('images', '-aq', name), '')
    await clean()
    assert.equal((await stage.ok('load', '-i', archive('all.tar'))).trim(), `Loaded image: ${name}:latest`)
    assert.deepEqual([await stage.ok('image', 'inspect', '-f', '{{.Id}}', name), await stage.ok('image', 'inspect', '--platform', other, '-f', '{{.Id}}', name)], ids)
    assert.match(await stage.ok('rmi', '--platform', own, name), new RegExp(`^Deleted: ${ids[0]}$`, 'm'))
    assert.equal(await label(name), other)
    assert.match(await stage.ok('rmi', '--platform', other, name), new RegExp(`^Untagged: ${name}:latest\\nDeleted: ${ids[1]}$`, 'm'))
    for (const words of [['-i', archive('other.tar')], ['--platform', other, '-i', archive('all.tar')]]) {
      await stage.ok('load', ...words)
      assert.deepEqual([await label(name), await stage.ok('inspect', '-f', '{{.Id}}', name)], [other, ids[1]])
      assert.match((await stage.docker('image', 'inspect', '--platform', own, name)).stderr, /does not match the specified platform/)
      await stage.ok('rmi', name)
    }
    await clean()
  })

  void test('what a builder says of the images comes, is saved and pushed with them, byte for byte', async () => {
    const layout = archive('said')
    const { index, manifests } = await layoutWithAttestations(layout, (architecture, directory) => stage.engine.host.must(['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', `docker://${name}:${architecture}`, `oci:${directory}`]))
    const [from, to] = [`${address}/said:1`, `${address}/said-again:1`]
    const copyAll = (source: string, target: string) => stage.engine.host.must(['skopeo', '--insecure-policy', 'copy', '-q', '--all', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false', source, target])
    await copyAll(`oci:${layout}`, `docker://${from}`)
    assert.equal(await raw(from), index)
    const here = async () => (JSON.parse((await stage.engine.api({ path: `/images/${from}/json?manifests=1` })).text) as { Manifests: { Available: boolean; Kind: string; AttestationData?: { For: string } }[] }).Manifests.map(({ Available, Kind, AttestationData }) => [Kind, Available, AttestationData?.For])
    const told = (...available: boolean[]) => manifests.map(({ annotations }, at) => (annotations ? ['attestation', available[at], annotations['vnd.docker.reference.digest']] : ['image', available[at], undefined]))
    await stage.ok('pull', '-q', '--platform', 'linux/amd64', from)
    assert.deepEqual(await here(), told(true, false, true, false))
    await stage.ok('pull', '-q', '--platform', 'linux/arm64', from)
    assert.deepEqual(await here(), told(true, true, true, true))
    await stage.ok('save', '-o', archive('said.tar'), from)
    const push = async () => {
      await stage.ok('tag', from, to)
      assert.match(await stage.ok('push', to), new RegExp(`^1: digest: sha256:${createHash('sha256').update(index).digest('hex')} size: ${index.length}$`, 'm'))
      await stage.ok('rmi', to)
      // A stranger finds everything that it lists.
      await copyAll(`docker://${to}`, `oci:${layout}-${performance.now()}`)
    }
    await push()
    await clean()
    await stage.ok('rmi', from)
    await stage.ok('load', '-i', archive('said.tar'))
    // To another store and back, as each of them has a database of its own.
    for (const driver of ['vfs', 'overlay2']) await makeClient('gantry', stage.engine).ok('storage', 'switch', driver)
    await makeClient('gantry', stage.engine).ok('storage', 'switch', '--forget')
    assert.deepEqual(await here(), told(true, true, true, true))
    await push()
    await stage.ok('rmi', '--platform', 'linux/arm64', from)
    assert.deepEqual(await here(), told(true, false, true, false))
    await clean()
    await stage.ok('rmi', from)
    await clean()
  })

  void test('the platforms go along to another storage driver, and outlive a kill', async () => {
    for (const platform of [own, other]) await stage.ok('pull', '-q', '--platform', platform, name)
    await stage.engine.kill9()
    await stage.engine.start()
    assert.deepEqual([await label(name), await label(name, '--platform', other)], [own, other])
    const gantry = makeClient('gantry', stage.engine)
    await gantry.ok('storage', 'switch', 'vfs')
    assert.deepEqual([await label(name), await label(name, '--platform', other), await stage.ok('run', '--rm', '--network', 'none', '--platform', other, name)], [own, other, other])
    await gantry.ok('storage', 'switch', '--forget')
    await clean()
    await stage.ok('rmi', name)
    assert.equal(await stage.ok('images', '-q', name), '')
    await clean()
  })
}, { images: [tiny] })

interface Listed {
  digest: string
  annotations?: Record<string, string>
}

/** An OCI layout of one index: the images that `copy` brings, and of each what buildx would say of it. */
async function layoutWithAttestations(directory: string, copy: (architecture: string, directory: string) => Promise<unknown>): Promise<{ index: string; manifests: Listed[] }> {
  const images: (Listed & { mediaType: string; size: number; platform: object })[] = []
  for (const architecture of ['amd64', 'arm64']) {
    await copy(architecture, `${directory}:${architecture}`)
    const { manifests } = JSON.parse(readFileSync(path.join(directory, 'index.json'), 'utf8')) as { manifests: { mediaType: string; digest: string; size: number }[] }
    const { mediaType, digest, size } = manifests.at(-1)!
    images.push({ mediaType, digest, size, platform: { architecture, os: 'linux' } })
  }
  const blob = (value: object, mediaType: string) => {
    const text = JSON.stringify(value)
    const hex = createHash('sha256').update(text).digest('hex')
    writeFileSync(path.join(directory, 'blobs/sha256', hex), text)
    return { mediaType, digest: `sha256:${hex}`, size: text.length }
  }
  const attestations = images.map(({ digest }) => {
    const layer = blob({ _type: 'https://in-toto.io/Statement/v0.1', predicateType: 'https://slsa.dev/provenance/v0.2', subject: [{ name: 'said', digest: { sha256: digest.slice(7) } }] }, 'application/vnd.in-toto+json')
    const config = blob({ architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: [layer.digest] } }, 'application/vnd.oci.image.config.v1+json')
    const manifest = blob({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: [layer] }, 'application/vnd.oci.image.manifest.v1+json')
    return { ...manifest, annotations: { 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' }, platform: { architecture: 'unknown', os: 'unknown' } }
  })
  const manifests = [...images, ...attestations]
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }
  writeFileSync(path.join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [blob(index, index.mediaType)] }))
  return { index: JSON.stringify(index), manifests }
}
