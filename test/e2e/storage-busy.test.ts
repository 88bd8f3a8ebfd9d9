import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { assertNothingLeftOfEngine } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { allPids, commandLine } from './harness/processes.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { engineUnderTest } from './harness/stories.ts'

const name = '127.0.0.1:5000/busy:1'

/** A switch of the storage driver meets pulls and builds, which must neither be lost nor end up in the store that is left. */
void describe('storage switch while images are being made', { concurrency: false, skip: engineUnderTest !== 'gantryd' }, () => {
  let engine: Engine
  let docker: Client
  let gantry: Client
  let registry: Registry
  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    docker = makeClient('docker', engine)
    gantry = makeClient('gantry', engine)
    registry = await startRegistry(engine, { address: '127.0.0.1:5000' })
    await provideImages(docker, [tiny])
    await docker.ok('tag', tiny, name)
    await docker.ok('push', '-q', name)
    await docker.ok('rmi', name)
  })
  after(async () => {
    await registry.stop()
    await engine.shutDown()
    await assertNothingLeftOfEngine(engine)
    await engine.remove()
  })
  const build = (tag: string, step: string) => {
    const directory = path.join(engine.directory, `context-${tag}`)
    mkdirSync(directory)
    writeFileSync(path.join(directory, 'Dockerfile'), `FROM ${tiny}\nRUN ${step}\nRUN echo ${tag} > /made\n`)
    return docker.docker('build', '--no-cache', '-t', tag, directory)
  }
  const driver = () => docker.ok('info', '-f', '{{.Driver}}')
  const made = (tag: string) => docker.ok('run', '--rm', '--network', 'none', tag, 'cat', '/made')

  test('it waits for a pull and a build that are under way, and says so', async () => {
    const registryPid = processOf('serve', path.join(registry.directory, 'config.yml'))
    process.kill(registryPid, 'SIGSTOP')
    const pull = docker.docker('pull', '-q', name)
    try {
      await eventually(async () => assert.notEqual(await engine.host.must(['ss', '-Htn', 'state', 'established', 'dport', '=', ':5000']), ''))
      const seconds = String(10_000_000 + Math.floor(Math.random() * 1_000_000))
      const building = build('while', `sleep ${seconds} || true`)
      const sleeping = await eventually(() => processOf('sleep', seconds))
      const switching = gantry.docker('storage', 'switch', 'vfs')
      await eventually(() => assert.match(readFileSync(path.join(engine.dataRoot, 'storage.json'), 'utf8'), /"switchingTo":\s*"vfs"/))
      // Meanwhile everything else goes on.
      assert.equal(await docker.ok('run', '--rm', '--network', 'none', tiny, 'echo', 'runs'), 'runs')
      process.kill(registryPid, 'SIGCONT')
      assert.equal((await pull).stdout.trim(), name)
      assert.equal(await driver(), 'overlay2')
      process.kill(sleeping, 'SIGTERM')
      const built = await building
      assert.equal(built.code, 0, built.stderr)
      const { code, stdout, stderr } = await switching
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^Waiting for pulls and builds to end$/m)
    } finally {
      process.kill(registryPid, 'SIGCONT')
    }
    assert.equal(await driver(), 'vfs')
    assert.equal(await made('while'), 'while')
    assert.equal(await docker.ok('run', '--rm', '--network', 'none', name, 'echo', 'pulled'), 'pulled')
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
  })

  test('builds and pulls that begin during a switch are in the new store', async () => {
    await docker.ok('rmi', name)
    const tags = ['first', 'second', 'third']
    const switching = gantry.docker('storage', 'switch', 'overlay2')
    const builds = tags.map((tag) => build(tag, 'true'))
    const pull = docker.docker('pull', '-q', name)
    for (const { code, stderr } of await Promise.all([...builds, pull, switching])) assert.equal(code, 0, stderr)
    assert.equal(await driver(), 'overlay2')
    for (const tag of tags) assert.equal(await made(tag), tag)
    assert.equal(await docker.ok('run', '--rm', '--network', 'none', name, 'echo', 'pulled'), 'pulled')
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
    await gantry.ok('storage', 'switch', '--forget')
    for (const tag of tags) assert.equal(await made(tag), tag)
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
  })
})

function processOf(...words: string[]): number {
  const found = allPids().find((pid) => words.every((word) => commandLine(pid).includes(word)))
  assert.ok(found, `no process ${words.join(' ')}`)
  return found
}
