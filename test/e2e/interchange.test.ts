import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { olderDockerClient } from './harness/docker-client.ts'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { provideImages, tiny } from './harness/image.ts'
import { findProgram } from './harness/program.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { must } from './harness/run.ts'

/**
 * Images between Gantry and the original, by registry and by archive. Each engine has a host of its own with a registry at the same
 * address; what one registry holds is copied to the other, so that names stay.
 */
const address = '127.0.0.1:5000'
const missing = ['dockerd', 'containerd', 'skopeo', 'docker-registry'].filter((name) => findProgram(name) === undefined)

interface Side extends Client {
  engine: Engine
  registry: Registry
}

void describe('images between Gantry and the original', { concurrency: false, skip: missing.length > 0 && `not here: ${missing.join(', ')}` }, () => {
  let ours: Side
  let theirs: Side
  before(async () => {
    ours = await side('gantryd')
    theirs = await side('dockerd')
    await provideImages(ours, [tiny])
    await provideImages(theirs, [tiny])
  })
  after(async () => {
    for (const each of [ours, theirs]) {
      await each?.registry.stop()
      await each?.engine.remove()
    }
  })

  const id = (where: Side, name: string) => where.ok('inspect', '-f', '{{.Id}}', name)
  const digests = (where: Side, name: string) => where.ok('inspect', '-f', '{{json .RepoDigests}}', name)
  const skopeo = (where: Side, ...args: string[]) => where.engine.host.must(['skopeo', '--insecure-policy', ...args])

  for (const [title, from, to] of [
    ['what Gantry pushed, the original pulls with the same id and digest', () => ours, () => theirs],
    ['what the original pushed, Gantry pulls with the same id and digest', () => theirs, () => ours],
  ] as const) {
    void test(title, async () => {
      const name = `${address}/way/${from().engine.kind}:1`
      await twoLayers(from(), name)
      await from().ok('push', '-q', name)
      const pushed = { id: await id(from(), name), digests: await digests(from(), name) }
      carry(from(), to())
      await to().ok('pull', '-q', name)
      assert.deepEqual({ id: await id(to(), name), digests: await digests(to(), name) }, pushed)
      // And back, from a store that has never seen it, byte for byte.
      await from().ok('rmi', '-f', pushed.id)
      await from().ok('pull', '-q', name)
      assert.equal(await id(from(), name), pushed.id)
      const again = `${address}/again/${from().engine.kind}:1`
      await ours.ok('tag', name, again)
      await ours.ok('push', '-q', again)
      const raw = (reference: string) => skopeo(ours, 'inspect', '--tls-verify=false', '--raw', `docker://${reference}`)
      assert.equal(await raw(again), await raw(name))
    })
  }

  for (const [title, from, to] of [
    ['what Gantry saved, before and after a push, the original loads with the same id', () => ours, () => theirs],
    ['what the original saved, Gantry loads with the same id', () => theirs, () => ours],
  ] as const) {
    void test(title, async () => {
      const name = `${address}/saved/${from().engine.kind}:1`
      await twoLayers(from(), name)
      const imageId = await id(from(), name)
      const archive = path.join(from().engine.directory, 'saved.tar')
      for (const form of ['as it is', 'pushed']) {
        if (form === 'pushed') await from().ok('push', '-q', name)
        await from().ok('save', '-o', archive, name)
        assert.match(await to().ok('load', '-i', archive), new RegExp(`^Loaded image: ${name}$`, 'm'))
        assert.equal(await id(to(), name), imageId, form)
        await to().ok('rmi', name)
        rmSync(archive)
      }
    })
  }

  void test('skopeo reads what Gantry saved, and Gantry loads the layouts of skopeo, with every compression', async () => {
    const name = `${address}/skopeo/box:1`
    await twoLayers(ours, name)
    const imageId = await id(ours, name)
    const place = (form: string) => path.join(ours.engine.directory, form)
    await ours.ok('push', '-q', name)
    await ours.ok('save', '-o', place('saved.tar'), name)
    await skopeo(ours, 'copy', '-q', `docker-archive:${place('saved.tar')}`, `dir:${place('unpacked')}`)
    const { config } = JSON.parse(readFileSync(place('unpacked/manifest.json'), 'utf8')) as { config: { digest: string } }
    assert.equal(config.digest, imageId)
    for (const compression of ['gzip', 'zstd']) {
      const layout = place(`${compression}.tar`)
      await skopeo(ours, 'copy', '-q', '--src-tls-verify=false', '--dest-compress-format', compression, '--dest-compress', `docker://${name}`, `oci-archive:${layout}:${name}`)
      await ours.ok('rmi', '-f', imageId)
      await ours.ok('load', '-i', layout)
      assert.equal(await ours.ok('run', '--rm', name, 'cat', '/second'), 'second')
      const copy = `${address}/skopeo/${compression}:1`
      await skopeo(ours, 'copy', '-q', '--dest-tls-verify=false', `oci-archive:${layout}:${name}`, `docker://${copy}`)
      await ours.ok('pull', '-q', copy)
      assert.equal(await ours.ok('run', '--rm', copy, 'cat', '/second'), 'second')
    }
  })

  void test('an image of another platform is neither pushed, saved nor loaded by its name and --platform', { skip: olderDockerClient(28) }, async () => {
    const name = `${address}/platform/box:1`
    const other = process.arch === 'arm64' ? 'linux/amd64' : 'linux/arm64'
    await ours.ok('tag', tiny, name)
    const archive = path.join(ours.engine.directory, 'one.tar')
    await ours.ok('save', '-o', archive, name)
    for (const words of [['push', '--platform', other, name], ['save', '--platform', other, '-o', `${archive}.2`, name]]) {
      for (const client of [ours, makeClient('gantry', ours.engine)]) {
        const { code, stderr } = await client.docker(...words)
        assert.equal(code, 1, words.join(' '))
        assert.match(stderr, /image with reference \S+ was found but its platform \(linux\/\w+\) does not match the specified platform \(linux\/\w+(\/v8)?\)/)
      }
    }
    assert.match((await ours.docker('load', '--platform', other, '-i', archive)).stderr, /it has no image for the requested platform/)
    const own = other === 'linux/arm64' ? 'linux/amd64' : 'linux/arm64'
    assert.match(await ours.ok('load', '--platform', own, '-i', archive), /^Loaded image: /m)
    assert.match(await ours.ok('push', '--platform', own, name), /digest: sha256:/)
  })

  /** The copied registry reads what is there when it is asked. */
  function carry(from: Side, to: Side): void {
    cpSync(path.join(from.registry.directory, 'data'), path.join(to.registry.directory, 'data'), { recursive: true })
  }
})

async function side(kind: 'gantryd' | 'dockerd'): Promise<Side> {
  const engine = await startEngine({ kind })
  try {
    return Object.assign(makeClient('docker', engine), { engine, registry: await startRegistry(engine, { address }) })
  } catch (error) {
    await engine.remove()
    throw error
  }
}

/** An image of two layers, by both engines' own means: the root of `tiny` and one that repeats itself, and a file. */
async function twoLayers(where: Side, name: string): Promise<void> {
  const scratch = path.join(where.engine.directory, 'layers')
  rmSync(scratch, { recursive: true, force: true })
  await must(['sh', '-c', `mkdir -p ${scratch}/dir && cd ${scratch}/dir && printf second > second && seq 1 200000 > numbers && head -c 3000000 /dev/urandom > noise && chmod 4711 noise`])
  const config = { architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] } }
  await must(['sh', '-c', `cd ${scratch} && tar -C dir -cf 2.tar . && cp "$(ls ${path.join(import.meta.dirname, '../../build/test-images/tiny.tar')})" 1.tar &&
printf '%s' '${JSON.stringify(config).slice(0, -1)}' > config.json &&
printf ',"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}' $(sha256sum < 1.tar | cut -c-64) $(sha256sum < 2.tar | cut -c-64) >> config.json &&
printf '[{"Config":"config.json","RepoTags":["${name}"],"Layers":["1.tar","2.tar"]}]' > manifest.json &&
tar -cf image.tar manifest.json config.json 1.tar 2.tar`])
  await where.ok('load', '-q', '-i', path.join(scratch, 'image.tar'))
}
