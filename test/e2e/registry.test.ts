import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { rootfsArchive } from './harness/image.ts'
import { type Registry, makeCertificate, startRegistry } from './harness/registry.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, tiny, throughEachClient, type Stage } from './harness/stories.ts'

/** Every address is one of the engine's own network host, which has no way out. The mirror stands in for docker.io. */
const plainAddress = '127.0.0.1:5000'
const guardedAddress = '127.0.0.1:5001'
const farHost = '10.99.0.1'
const secureAddress = `${farHost}:5443`
const ours = { skip: engineUnderTest !== 'gantryd' && 'the original compresses again, begins downloads again, imports for its own platform only, and reads certificates in /etc' }

throughEachClient('registries', (stage) => {
  let plain: Registry
  let guarded: Registry
  let secure: Registry
  let far: Registry
  let authority = ''

  before(async () => {
    await stage.engine.host.must(['ip', 'addr', 'add', `${farHost}/32`, 'dev', 'lo'])
    const keys = await makeCertificate(path.join(stage.engine.directory, 'keys'), farHost)
    authority = keys.authority
    plain = await startRegistry(stage.engine, { address: plainAddress })
    guarded = await startRegistry(stage.engine, { address: guardedAddress, guarded: true })
    secure = await startRegistry(stage.engine, { address: secureAddress, tls: keys })
    far = await startRegistry(stage.engine, { address: `${farHost}:5002` })
  })
  after(async () => {
    for (const registry of [plain, guarded, secure, far]) await registry?.stop()
    await stage.engine.host.run(['ip', 'addr', 'del', `${farHost}/32`, 'dev', 'lo'])
  })
  const skopeo = (...args: string[]) => stage.engine.host.must(['skopeo', '--insecure-policy', ...args])
  const digestAt = (name: string) => skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${name}`)
  const id = (name: string) => stage.ok('inspect', '-f', '{{.Id}}', name)

  void test('what is pushed is what skopeo finds, and the digest of the registry is the one that is shown', async () => {
    const name = `${plainAddress}/team/tiny:1`
    await stage.ok('tag', tiny, name)
    const output = await stage.ok('push', name)
    assert.match(output, /^The push refers to repository \[127\.0\.0\.1:5000\/team\/tiny\]$/m)
    assert.match(output, /^[0-9a-f]{12}: Preparing$/m)
    assert.match(output, /^[0-9a-f]{12}: Pushed$/m)
    const digest = await digestAt(name)
    assert.match(output, new RegExp(`^1: digest: ${digest} size: \\d+$`, 'm'))
    assert.equal(await stage.ok('inspect', '-f', '{{index .RepoDigests 0}}', name), `${plainAddress}/team/tiny@${digest}`)
    const config = await skopeo('inspect', '--tls-verify=false', '--config', '--raw', `docker://${name}`)
    assert.equal(`sha256:${createHash('sha256').update(config).digest('hex')}`, await id(name))
    await stage.ok('rmi', name)
    const pulled = await stage.ok('pull', name)
    const lines = ['1: Pulling from team/tiny', `Digest: ${digest}`, `Status: Downloaded newer image for ${name}`, name]
    // The layer is there, by another name of the image.
    assert.deepEqual(pulled.split('\n').filter((line) => !/^[0-9a-f]{12}: /.test(line)), lines)
    assert.match(await stage.ok('pull', name), new RegExp(`^Status: Image is up to date for ${name}$`, 'm'))
    assert.equal(await stage.ok('images', '--digests', '--format', '{{.Digest}}', `${plainAddress}/team/tiny`), digest)
  })

  void test('a shared layer is mounted from the other repository, and not sent again', async () => {
    const name = `${plainAddress}/other/tiny`
    await stage.ok('tag', tiny, name)
    const before = plain.requests().length
    assert.match(await stage.ok('push', name), /^[0-9a-f]{12}: Mounted from team\/tiny$/m)
    const after = plain.requests().slice(before)
    assert.ok(after.some((line) => /^POST \/v2\/other\/tiny\/blobs\/uploads\/\?(from=team%2Ftiny&mount=sha256%3A|mount=sha256%3A\w+&from=team%2Ftiny).* 201$/.test(line)), after.join('\n'))
    const { layers } = JSON.parse(await skopeo('inspect', '--tls-verify=false', '--raw', `docker://${name}`)) as { layers: { digest: string }[] }
    const sent = after.filter((line) => line.startsWith('PUT ') && line.includes(layers[0]!.digest.slice('sha256:'.length)))
    assert.deepEqual(sent, [], 'the layer was sent')
    assert.match(await stage.ok('push', name), /^[0-9a-f]{12}: Layer already exists$/m)
    assert.equal(await digestAt(name), await digestAt(`${plainAddress}/team/tiny:1`))
  })

  for (const format of ['v2s2', 'oci']) {
    void test(`what skopeo pushed as ${format} is pulled, run, and pushed again with the same digest`, ours, async () => {
      const archive = await layeredArchive(stage, format)
      const source = `${plainAddress}/skopeo/${format}:1`
      await skopeo('copy', '--dest-tls-verify=false', '--format', format, `docker-archive:${archive}`, `docker://${source}`)
      const output = await stage.ok('pull', source)
      assert.match(output, /^[0-9a-f]{12}: Pull complete$/m)
      assert.match(output, new RegExp(`^Digest: ${await digestAt(source)}$`, 'm'))
      assert.equal(await stage.ok('run', '--rm', source, 'cat', '/second'), format)
      const target = `${plainAddress}/again/${format}:1`
      await stage.ok('tag', source, target)
      await stage.ok('push', target)
      assert.equal(await digestAt(target), await digestAt(source))
      await stage.ok('rmi', source, target)
    })
  }

  void test('a layer that is here is not brought again', async () => {
    const names = [`${plainAddress}/shared:one`, `${plainAddress}/shared:two`]
    for (const name of names) {
      const archive = await layeredArchive(stage, name.slice(-3))
      await skopeo('copy', '--dest-tls-verify=false', '--format', 'v2s2', `docker-archive:${archive}`, `docker://${name}`)
    }
    await stage.ok('pull', names[0]!)
    assert.match(await stage.ok('pull', names[1]!), /^[0-9a-f]{12}: Already exists\n[0-9a-f]{12}: Pulling fs layer$/m)
    await stage.ok('rmi', ...names)
  })

  void test('of an index the image of the platform comes, and its digest is the name', ours, async () => {
    const repository = `${plainAddress}/multi`
    const manifests = []
    for (const architecture of ['amd64', 'arm64']) {
      await stage.ok('import', '--platform', `linux/${architecture}`, await rootfsArchive(tiny), `${repository}:${architecture}`)
      await stage.ok('push', `${repository}:${architecture}`)
      const raw = await skopeo('inspect', '--tls-verify=false', '--raw', `docker://${repository}:${architecture}`)
      manifests.push({ mediaType: (JSON.parse(raw) as { mediaType: string }).mediaType, digest: await digestAt(`${repository}:${architecture}`), size: raw.length, platform: { architecture, os: 'linux' } })
      await stage.ok('rmi', `${repository}:${architecture}`)
    }
    const type = 'application/vnd.docker.distribution.manifest.list.v2+json'
    const list = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests })
    await stage.engine.host.must(['curl', '-sfX', 'PUT', '-H', `Content-Type: ${type}`, '-d', list, `http://${plainAddress}/v2/multi/manifests/latest`])
    const digest = `sha256:${createHash('sha256').update(list).digest('hex')}`
    assert.match(await stage.ok('pull', repository), new RegExp(`^Digest: ${digest}$`, 'm'))
    assert.equal(await stage.ok('inspect', '-f', '{{.Architecture}} {{index .RepoDigests 0}}', repository), `${process.arch === 'arm64' ? 'arm64' : 'amd64'} ${repository}@${digest}`)
    await stage.ok('pull', '-q', '--platform', 'linux/arm64', repository)
    assert.equal(await stage.ok('image', 'inspect', '--platform', 'linux/arm64', '-f', '{{.Architecture}}', repository), 'arm64')
    const { code, stderr } = await stage.docker('pull', '--platform', 'linux/s390x', repository)
    assert.equal(code, 1)
    assert.match(stderr, /no matching manifest for linux\/s390x in the manifest list entries/)
    const { text } = await stage.engine.api({ path: `/distribution/${repository}/json` })
    const { Descriptor, Platforms } = JSON.parse(text) as { Descriptor: { digest: string }; Platforms: unknown[] }
    assert.deepEqual([Descriptor.digest, Platforms], [digest, [{ architecture: 'amd64', os: 'linux' }, { architecture: 'arm64', os: 'linux' }]])
    assert.equal(await stage.ok('pull', '-q', `${repository}@${digest}`), `${repository}@${digest}`)
    await stage.ok('rmi', '-f', await id(repository))
  })

  void test('all tags of a repository come at once', async () => {
    for (const tag of ['a', 'b']) {
      await stage.ok('tag', tiny, `${plainAddress}/tags:${tag}`)
      await stage.ok('push', '-q', `${plainAddress}/tags:${tag}`)
    }
    await stage.ok('rmi', `${plainAddress}/tags:a`, `${plainAddress}/tags:b`)
    const output = await stage.ok('pull', '-a', `${plainAddress}/tags`)
    assert.match(output, /^a: Pulling from tags$/m)
    assert.match(output, /^b: Pulling from tags$/m)
    assert.deepEqual((await stage.ok('images', '--format', '{{.Tag}}', `${plainAddress}/tags`)).split('\n').toSorted(), ['a', 'b'])
    assert.match(await stage.ok('push', '-a', `${plainAddress}/tags`), /^a: digest: .*^b: digest: /ms)
    await stage.ok('rmi', `${plainAddress}/tags:a`, `${plainAddress}/tags:b`)
  })

  void test('run brings an absent image, from the mirror for a name without a registry', async () => {
    await stage.ok('tag', tiny, `${plainAddress}/library/absent`)
    await stage.ok('push', '-q', `${plainAddress}/library/absent`)
    await stage.ok('rmi', `${plainAddress}/library/absent`)
    const never = await stage.docker('run', '--rm', '--pull', 'never', 'absent', 'true')
    assert.equal(never.code, 125)
    assert.match(never.stderr, /No such image: absent:latest/)
    const { code, stdout, stderr } = await stage.docker('run', '--rm', 'absent', 'echo', 'here')
    assert.equal(stderr.includes("Unable to find image 'absent:latest' locally\nlatest: Pulling from library/absent\n"), true, stderr)
    assert.deepEqual([code, stdout], [0, 'here\n'])
    const again = await stage.docker('run', '--rm', '--pull', 'always', 'absent', 'true')
    assert.match(again.stderr, /Status: Image is up to date for absent:latest/)
    assert.equal(await stage.ok('pull', '-q', 'absent'), 'docker.io/library/absent:latest')
    await stage.ok('rmi', 'absent')
  })

  void test('what is not there, and who does not answer, is said in the words of Docker', async () => {
    const absent = await stage.docker('pull', `${plainAddress}/no/such:1`)
    assert.equal(absent.code, 1)
    assert.equal(absent.stderr.trim(), `Error response from daemon: manifest for ${plainAddress}/no/such:1 not found: manifest unknown: manifest unknown`)
    const answer = await stage.engine.api({ method: 'POST', path: `/images/create?fromImage=${plainAddress}/no/such&tag=1` })
    assert.equal(answer.status, 404)
    const silent = await stage.docker('pull', '127.0.0.1:4999/x')
    assert.equal(silent.stderr.trim(), 'Error response from daemon: Get "http://127.0.0.1:4999/v2/": dial tcp 127.0.0.1:4999: connect: connection refused')
    const spoken = await stage.docker('pull', `${far.address}/x`)
    assert.equal(spoken.stderr.trim(), `Error response from daemon: Get "https://${far.address}/v2/": http: server gave HTTP response to HTTPS client`)
    const push = await stage.docker('push', `${plainAddress}/never/tagged`)
    assert.equal(push.code, 1)
    assert.match(push.stderr, /An image does not exist locally with the tag: 127\.0\.0\.1:5000\/never\/tagged/)
    assert.match((await stage.docker('push', `${plainAddress}/team/tiny:none`)).stderr, /tag does not exist: 127\.0\.0\.1:5000\/team\/tiny:none/)
  })

  void test('a guarded registry lets in who has logged in', async () => {
    const name = `${guardedAddress}/mine`
    await stage.ok('tag', tiny, name)
    const stranger = await stage.docker('push', name)
    assert.equal(stranger.code, 1)
    assert.match(stranger.stderr, /no basic auth credentials/)
    assert.match((await stage.docker('pull', name)).stderr, /no basic auth credentials/)
    const wrong = await stage.dockerWith({ input: 'guess' }, 'login', '-u', 'me', '--password-stdin', guardedAddress)
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /401 Unauthorized/)
    const right = await stage.dockerWith({ input: 'secret\n' }, 'login', '-u', 'me', '--password-stdin', guardedAddress)
    assert.deepEqual([right.code, right.stdout], [0, 'Login Succeeded\n'])
    const file = path.join(String(stage.env.DOCKER_CONFIG), 'config.json')
    const { auths } = JSON.parse(readFileSync(file, 'utf8')) as { auths: Record<string, { auth: string }> }
    assert.equal(auths[guardedAddress]?.auth, Buffer.from('me:secret').toString('base64'))
    assert.equal(statSync(file).mode & 0o777, 0o600)
    await stage.ok('push', name)
    await stage.ok('rmi', name)
    await stage.ok('pull', name)
    assert.match(await stage.ok('login', guardedAddress), /Login Succeeded/)
    assert.match(await stage.ok('logout', guardedAddress), /^Removing login credentials for 127\.0\.0\.1:5001$/m)
    assert.match((await stage.docker('pull', name)).stderr, /no basic auth credentials/)
    await stage.ok('rmi', name)
  })

  void test('a credential helper keeps the secret', async () => {
    const home = String(stage.env.DOCKER_CONFIG)
    const programs = path.join(stage.engine.directory, 'programs')
    mkdirSync(programs)
    const kept = path.join(programs, 'kept')
    const helper = path.join(programs, 'docker-credential-drawer')
    writeFileSync(helper, `#!/bin/sh
case $1 in
store) cat > ${kept} ;;
get) [ -e ${kept} ] && cat ${kept} || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm -f ${kept} ;;
esac
`)
    chmodSync(helper, 0o755)
    writeFileSync(path.join(home, 'config.json'), JSON.stringify({ credHelpers: { [guardedAddress]: 'drawer' } }))
    const env = { PATH: `${programs}:${process.env.PATH}` }
    const docker = (...args: string[]) => stage.dockerWith({ env, input: 'secret' }, ...args)
    assert.equal((await docker('login', '-u', 'me', '--password-stdin', guardedAddress)).code, 0)
    assert.deepEqual(JSON.parse(readFileSync(kept, 'utf8')), { ServerURL: guardedAddress, Username: 'me', Secret: 'secret' })
    assert.ok(!readFileSync(path.join(home, 'config.json'), 'utf8').includes('c2VjcmV0'))
    assert.equal((await docker('pull', '-q', `${guardedAddress}/mine`)).stdout.trim(), `${guardedAddress}/mine:latest`)
    await docker('logout', guardedAddress)
    assert.equal(existsSync(kept), false)
    await stage.ok('rmi', `${guardedAddress}/mine`)
    writeFileSync(path.join(home, 'config.json'), '{}')
  })

  void test('a certificate is believed when its authority is known', ours, async () => {
    const name = `${secureAddress}/tiny`
    await stage.ok('tag', tiny, name)
    const doubted = await stage.docker('push', name)
    assert.equal(doubted.code, 1)
    assert.match(doubted.stderr, /tls: failed to verify certificate: x509: certificate signed by unknown authority/)
    const place = path.join(stage.engine.directory, 'certs.d', secureAddress)
    mkdirSync(place, { recursive: true })
    copyFileSync(authority, path.join(place, 'ca.crt'))
    await stage.ok('push', name)
    assert.equal(await digestAt(name), await digestAt(`${plainAddress}/team/tiny:1`))
    assert.match(await stage.ok('pull', name), /Status: Image is up to date/)
    await stage.ok('rmi', name)
  })

  void test('search says what a registry cannot do', ours, async () => {
    const { code, stderr } = await stage.docker('search', `${plainAddress}/tiny`)
    assert.equal(code, 1)
    assert.match(stderr, /cannot search registry 127\.0\.0\.1:5000: it has no search \(\/v1\/search answered 404\)/)
  })

  void test('a pull that is killed goes on where it was', ours, async () => {
    const scratch = path.join(stage.engine.directory, 'large')
    mkdirSync(scratch)
    await must(['dd', 'if=/dev/urandom', `of=${path.join(scratch, 'ballast')}`, 'bs=1M', 'count=128', 'status=none'])
    await must(['tar', '-C', scratch, '-cf', `${scratch}.tar`, '.'])
    await stage.ok('import', `${scratch}.tar`, `${plainAddress}/large`)
    await stage.ok('push', '-q', `${plainAddress}/large`)
    const imageId = await id(`${plainAddress}/large`)
    await stage.ok('rmi', `${plainAddress}/large`)
    const ingest = path.join(stage.engine.dataRoot, 'content/ingest')
    const client = stage.docker('pull', '-q', `${plainAddress}/large`)
    await eventually(() => assert.ok(partialBytes(ingest) > 1 << 20), 20_000, 2)
    await stage.engine.kill9()
    await client
    const kept = partialBytes(ingest)
    await stage.engine.start()
    const before = plain.requests().length
    await stage.ok('pull', '-q', `${plainAddress}/large`)
    assert.equal(await id(`${plainAddress}/large`), imageId)
    const blobs = plain.requests().slice(before).filter((line) => /^GET \S+\/blobs\/\S+ /.test(line)).map((line) => line.slice(-3))
    // The layer by a range, or not at all if the kill came after its last byte; and the configuration.
    assert.ok(kept > 0 && blobs.filter((status) => status === '200').length === 1, `${kept} bytes were kept, then: ${blobs.join()}`)
    assert.deepEqual(readdirSync(ingest), [])
    await stage.ok('rmi', `${plainAddress}/large`)
  })
}, { images: [tiny], flags: ['--registry-mirror', `http://${plainAddress}`] })

function partialBytes(ingest: string): number {
  return readdirSync(ingest).filter((name) => name.startsWith('partial-')).reduce((sum, name) => sum + statSync(path.join(ingest, name)).size, 0)
}

/** A docker-archive of two layers: the first is that of `tiny`, the second a file with the given text. */
async function layeredArchive(stage: Stage, text: string): Promise<string> {
  const scratch = path.join(stage.engine.directory, `layered-${text}`)
  mkdirSync(path.join(scratch, 'layer'), { recursive: true })
  writeFileSync(path.join(scratch, 'layer/second'), text)
  await must(['tar', '-C', path.join(scratch, 'layer'), '-cf', path.join(scratch, '2.tar'), 'second'])
  copyFileSync(await rootfsArchive(tiny), path.join(scratch, '1.tar'))
  const files = ['1.tar', '2.tar']
  const hash = (file: string) => createHash('sha256').update(readFileSync(path.join(scratch, file))).digest('hex')
  const config = { architecture: 'amd64', os: 'linux', config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] }, rootfs: { type: 'layers', diff_ids: files.map((file) => `sha256:${hash(file)}`) } }
  writeFileSync(path.join(scratch, 'config.json'), JSON.stringify(config))
  writeFileSync(path.join(scratch, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers: files }]))
  const archive = `${scratch}.tar`
  await must(['tar', '-C', scratch, '-cf', archive, 'manifest.json', 'config.json', ...files])
  return archive
}
