import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type AuthorizationPlugin, startAuthorizationPlugin } from './harness/authorization.ts'
import { makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { provideImages, tiny } from './harness/image.ts'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'
import { run } from './harness/run.ts'

function decoded(text: unknown): string {
  return typeof text === 'string' ? Buffer.from(text, 'base64').toString() : ''
}

void describe('an engine that asks an authorization plugin', { concurrency: false }, () => {
  let engine: Engine
  let plugin: AuthorizationPlugin
  let directory: string
  const denied = () => `Error response from daemon: authorization denied by plugin ${plugin.name}: `
  const configure = (names: string[]) => writeFileSync(path.join(engine.directory, 'daemon.json'), JSON.stringify({ 'authorization-plugins': names }))
  const reload = async (names: string[]) => {
    const from = engine.log().length
    configure(names)
    process.kill(engine.pid(), 'SIGHUP')
    await eventually(() => assert.match(engine.log().slice(from), /Reloaded configuration/))
  }

  before(async () => {
    directory = makePrivateDirectory()
    plugin = await startAuthorizationPlugin(directory)
    engine = await startEngine({ kind: 'gantryd' })
    await provideImages(makeClient('docker', engine), [tiny])
    await engine.stop()
    configure([plugin.name])
    await engine.start()
  })
  after(async () => {
    await engine.remove()
    await plugin.stop()
    await removePrivateDirectory(directory)
  })

  for (const kind of ['docker', 'gantry'] as const) {
    void test(`by ${kind}: what it forbids does not happen, all else is as ever`, async () => {
      const client = makeClient(kind, engine)
      const refused = await client.docker('run', '--privileged', '--name', 'strong', tiny, 'true')
      assert.equal(refused.code, 125)
      assert.ok(refused.stderr.includes(`${denied()}no privileged containers`), refused.stderr)
      assert.equal(await client.ok('ps', '-aq'), '')
      assert.equal(await client.ok('info', '-f', '{{json .Plugins.Authorization}}'), JSON.stringify([plugin.name]))
      const { code, stdout } = await client.dockerWith({ input: 'through\n' }, 'run', '-i', '--name', 'weak', tiny, 'cat')
      assert.deepEqual([code, stdout], [0, 'through\n'])
      assert.equal(await client.ok('logs', 'weak'), 'through')
      // Streams are told of when they are over.
      await eventually(() => assert.ok(plugin.calls('AuthZRes').some(({ RequestUri, ResponseStatusCode }) => String(RequestUri).includes('/attach') && ResponseStatusCode === 101)))
      await eventually(() => assert.ok(plugin.calls('AuthZRes').some(({ RequestUri, ResponseStatusCode }) => String(RequestUri).includes('/logs') && ResponseStatusCode === 200)))
      const created = plugin.calls('AuthZReq').findLast(({ RequestUri }) => String(RequestUri).includes('/containers/create'))
      assert.deepEqual([created?.['RequestMethod'], created?.['User'], (JSON.parse(decoded(created?.['RequestBody'])) as { Cmd: string[] }).Cmd], ['POST', undefined, ['cat']])
      const id = await client.ok('run', '-d', '--label', 'colour=hidden', tiny, 'sleep', '99')
      const kept = await engine.api({ path: `/containers/${id}/json` })
      assert.deepEqual([kept.status, kept.text.trim()], [403, JSON.stringify({ message: `authorization denied by plugin ${plugin.name}: not for your eyes` })])
      await client.ok('rm', '-f', id, 'weak')
      await using running = await client.container(tiny, 'sleep', '99')
      assert.equal(await client.ok('exec', running.id, 'echo', 'inside'), 'inside')
    })
  }

  void test('who stops the plugin stops everything, until it is back', async () => {
    const client = makeClient('docker', engine)
    await plugin.stop()
    const failed = await client.docker('ps')
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, new RegExp(`Error response from daemon: plugin ${plugin.name} failed with error: `))
    await plugin.start()
    assert.equal((await client.docker('ps')).code, 0)
  })

  void test('the list is read again by SIGHUP, and checked at the start', async () => {
    const client = makeClient('docker', engine)
    await reload([])
    assert.equal(await client.ok('run', '--rm', '--privileged', tiny, 'echo', 'strong'), 'strong')
    await reload([plugin.name])
    assert.match((await client.docker('run', '--rm', '--privileged', tiny, 'true')).stderr, /no privileged containers/)
    await engine.stop()
    configure(['nobody-here'])
    await assert.rejects(engine.start(), /error validating authorization plugin: plugin "nobody-here" not found/)
    configure([plugin.name])
    await engine.start()
  })

  void test('a body that hides from it is refused by the engine', async () => {
    const curl = (...args: string[]) => run(['curl', '-s', '-m', '20', '-X', 'POST', '--unix-socket', engine.socket, ...args])
    const privileged = JSON.stringify({ Image: tiny, HostConfig: { Privileged: true } })
    const file = path.join(directory, 'padded.json')
    writeFileSync(file, `${privileged.slice(0, -1)},"Pad":"${'x'.repeat(2 * 1024 * 1024)}"}`)
    const json = ['-H', 'Content-Type: application/json']
    for (const args of [
      [...json, '--data-binary', `@${file}`, 'http://d/containers/create'],
      [...json, '-H', 'Transfer-Encoding: chunked', '-d', privileged, 'http://d/containers/create'],
      ['-H', 'Content-Type: application/json;charset=utf-8', '-d', privileged, 'http://d/v1.51/containers/cre%61te'],
    ]) {
      assert.match((await curl('-w', '%{http_code}', ...args)).stdout, /authorization denied[^]*403$/)
    }
    // Without a length there is no body, for the plugin and for the engine alike.
    assert.match((await curl(...json, '-H', 'Content-Length: 0', '-d', privileged, 'http://d/containers/create')).stdout, /EOF|^400 Bad Request$/)
    assert.equal(await makeClient('docker', engine).ok('ps', '-aq'), '')
  })
})
