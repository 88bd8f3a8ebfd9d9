import assert from 'node:assert/strict'
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before, test } from 'node:test'
import { hostileArchives } from './harness/hostile-archives.ts'
import { mountsOf } from './harness/private-directory.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

const message = (text: string) => (JSON.parse(text) as { message: string }).message

throughEachClient('bad input', (stage) => {
  const post = (url: string, body: unknown, contentType?: string) =>
    stage.engine.api({ method: 'POST', path: url, body: typeof body === 'string' ? body : JSON.stringify(body), contentType })

  void test('an unknown image is 404, and 125 by the client', async () => {
    const answer = await post('/containers/create', { Image: 'no-such-image' })
    assert.equal(answer.status, 404)
    assert.match(message(answer.text), /No such image: no-such-image/)
    const { code, stderr } = await stage.docker('run', '--rm', '--pull', 'never', 'no-such-image')
    assert.equal(code, 125)
    assert.match(stderr, /No such image: no-such-image/)
  })

  void test('a bad reference is 400, and 125 by the client', async () => {
    const answer = await post('/containers/create', { Image: 'UPPER/Case:tag' })
    assert.equal(answer.status, 400)
    assert.match(message(answer.text), /invalid reference format/)
    const { code, stderr } = await stage.docker('run', '--rm', 'UPPER/Case:tag')
    assert.equal(code, 125)
    assert.match(stderr, /invalid reference format: repository name .*must be lowercase/)
  })

  for (const [what, body] of [
    ['truncated JSON', '{"Image": "tiny"'],
    ['JSON of the wrong shape', '{"Image": 7}'],
    ['an array', '[]'],
    ['no body', ''],
  ] as const) {
    void test(`${what} is 400 with a message`, { skip: engineUnderTest === 'dockerd' && 'Docker 20.10 said 500' }, async () => {
      const answer = await post('/containers/create', body)
      assert.equal(answer.status, 400, answer.text)
      assert.notEqual(message(answer.text), '')
    })
  }

  void test('unknown routes, containers and methods are 404 with a message', async () => {
    for (const call of [{ path: '/no/such/route' }, { path: '/containers/nothing/json' }, { method: 'PATCH', path: '/containers/json' }]) {
      const answer = await stage.engine.api(call)
      assert.ok([404, 405].includes(answer.status), `${call.path}: ${answer.status}`)
      assert.notEqual(message(answer.text), '')
    }
    const { code, stderr } = await stage.docker('inspect', 'nothing')
    assert.equal(code, 1)
    assert.match(stderr, /No such (object|container): nothing/i)
  })

  void test('a version from the future or the far past is 400', async () => {
    for (const version of ['v9.99', 'v1.1']) {
      const answer = await stage.engine.api({ path: `/${version}/containers/json` })
      assert.equal(answer.status, 400)
      assert.match(answer.text, /is too (new|old)/)
    }
  })

  void test('a name in use is 409, a name that is none is 400', async () => {
    await stage.ok('create', '--name', 'taken', tiny)
    const answer = await post('/containers/create?name=taken', { Image: tiny })
    assert.equal(answer.status, 409)
    const { code, stderr } = await stage.docker('run', '--name', 'taken', tiny)
    assert.equal(code, 125)
    assert.match(stderr, /Conflict\. The container name "\/taken" is already in use by container "?[0-9a-f]{64}"?\. You have to remove \(or rename\) that container to be able to reuse that name\./)
    await stage.ok('rm', 'taken')
    assert.equal((await post('/containers/create?name=b%2Fd', { Image: tiny })).status, 400)
  })

  void test('a memory limit below the minimum is 400, and 125 by the client', async () => {
    const answer = await post('/containers/create', { Image: tiny, HostConfig: { Memory: 1 } })
    assert.equal(answer.status, 400)
    assert.match(message(answer.text), /Minimum memory limit allowed is 6MB/)
    const { code, stderr } = await stage.docker('run', '--rm', '-m', '1', tiny)
    assert.equal(code, 125)
    assert.match(stderr, /Minimum memory limit allowed is 6MB/)
  })

  void test('a bind mount without a source is 400, and 125 by the client', async () => {
    const mount = { Type: 'bind', Source: '/no/such/source', Target: '/data' }
    const answer = await post('/containers/create', { Image: tiny, HostConfig: { Mounts: [mount] } })
    assert.equal(answer.status, 400)
    assert.match(message(answer.text), /bind source path does not exist: \/no\/such\/source/)
    for (const volume of [':/data', 'a:b:c:d', 'relative/path:relative']) {
      const { code, stderr } = await stage.docker('run', '--rm', '-v', volume, tiny)
      assert.equal(code, 125, volume)
      assert.match(stderr, /invalid|empty/i)
    }
  })

  void test('a state that does not allow it is 409, and starting twice is 304', async () => {
    await stage.ok('create', '--name', 'idle', tiny, 'sleep', '99')
    assert.equal((await post('/containers/idle/exec', { Cmd: ['true'] })).status, 409)
    assert.equal((await post('/containers/idle/kill', '')).status, 409)
    assert.equal((await post('/containers/idle/stop', '')).status, 304)
    assert.equal((await post('/containers/idle/start', '')).status, 204)
    assert.equal((await post('/containers/idle/start', '')).status, 304)
    assert.equal((await stage.engine.api({ method: 'DELETE', path: '/containers/idle' })).status, 409)
    assert.match((await stage.docker('rm', 'idle')).stderr, /cannot remove (container .*container is running|a running container)/)
    await stage.ok('rm', '-f', 'idle')
  })

  void test('what cannot run leaves a created container and no mount', async () => {
    await stage.docker('run', '--name', 'broken', tiny, 'no-such-program')
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'broken'), 'created 127')
    assert.deepEqual(mountsOf(stage.engine.directory).filter((mount) => mount.includes('merged')), [])
    await stage.ok('rm', 'broken')
  })

  void test('flags that do not exist are refused before anything is made', async () => {
    const { code, stderr } = await stage.docker('run', '--no-such-flag', tiny)
    assert.equal(code, 125)
    assert.match(stderr, /unknown flag: --no-such-flag/)
    assert.equal(await stage.ok('ps', '-aq'), '')
  })

  let archives: Record<string, { file: string; needsRefusal: boolean }> = {}
  before(async () => {
    archives = await hostileArchives(stage.engine.directory)
  })
  for (const name of ['path traversal', 'absolute link', 'traversal through a link', 'truncated gzip', 'missing layer', 'layer path outside']) {
    void test(`an archive with a ${name} cannot touch the host`, async () => {
      const { file, needsRefusal } = archives[name] ?? { file: '', needsRefusal: true }
      const { code, stdout, stderr } = await stage.docker('load', '-i', file)
      if (needsRefusal) {
        assert.notEqual(code, 0, stdout)
        assert.notEqual(stderr, '')
      }
      assert.deepEqual(readdirSync(path.join(stage.engine.directory, 'bait')), [])
      assert.ok(!readdirSync('/tmp').includes('gantry-escaped'))
      const answer = await stage.engine.api({ method: 'POST', path: '/images/load', body: readFileSync(file), contentType: 'application/x-tar' })
      assert.ok(answer.status < 600)
      await stage.docker('rmi', '-f', 'hostile')
      assert.deepEqual(readdirSync(path.join(stage.engine.directory, 'bait')), [])
    })
  }

  void test('a device in an image is harmless: the container may not open it', async () => {
    await stage.docker('load', '-i', archives['device bomb']?.file ?? '')
    const { code } = await stage.docker('run', '--rm', 'hostile', '/bin/busybox', 'dd', 'if=/disk', 'of=/dev/null', 'count=1')
    assert.notEqual(code, 0)
    await stage.docker('rmi', '-f', 'hostile')
  })

  void test('a gibibyte of zeros is refused as an archive, and the engine stays small', { timeout: 240_000 }, async () => {
    const zeros = path.join(stage.engine.directory, 'zeros')
    writeFileSync(zeros, '')
    truncateSync(zeros, 1024 ** 3)
    const { code, stderr } = await stage.dockerWith({ timeout: 200_000 }, 'load', '-i', zeros)
    assert.notEqual(code, 0)
    assert.notEqual(stderr, '')
    const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${stage.engine.pid()}/status`, 'utf8'))?.[1])
    if (engineUnderTest === 'gantryd') assert.ok(peak < 500 * 1024, `it needed ${peak} kB`)
  })
}, { images: [tiny] })
