import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { assertNothingLeftOfContainers, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { findProgram } from './harness/program.ts'
import { must, run } from './harness/run.ts'

const compose = findProgram('docker-compose')
/** The first generation is tested, a program in Python that speaks the API by itself. */
const firstCompose = compose !== undefined && (await must([compose, 'version', '--short'])).startsWith('1.')

/** A service that is asked by another, with everything between them that compose knows. */
const project = `version: "2.4"
services:
  store:
    image: ${tiny}
    command: sh -c 'mkdir -p /data && echo kept >> /data/log && touch /tmp/ready && exec httpd -f -p 80 -h /data'
    volumes: ["data:/data"]
    networks: { back: { aliases: [database] } }
    healthcheck: { test: ["CMD", "test", "-e", "/tmp/ready"], interval: 200ms, timeout: 5s, retries: 50 }
  web:
    image: ${tiny}
    command: sh -c 'wget -qO /index.html http://database/log && exec httpd -f -p 8080 -h /'
    depends_on: { store: { condition: service_healthy } }
    environment: { ROLE: front }
    networks: [back, front]
    ports: ["127.0.0.1:18080:8080"]
    restart: unless-stopped
  probe:
    image: ${tiny}
    command: sh -c 'until wget -qO- http://web:8080/; do sleep 0.2; done; sleep 600'
    depends_on: [web]
    networks: [front]
    read_only: true
    tmpfs: [/run]
    mem_limit: 64m
volumes: { data: {} }
networks:
  front: {}
  back: { internal: true }
`

function script(name: string): string {
  return path.join(import.meta.dirname, 'clients', name)
}

void describe('clients that others have written', { concurrency: false }, () => {
  let engine: Engine
  let clean: Footprint
  let env: NodeJS.ProcessEnv
  /** In the engine's network, where its published ports are. */
  const node = (...args: string[]) =>
    run([...engine.host.enter, process.execPath, '--disable-warning=ExperimentalWarning', ...args], { env: { ...env, TESTCONTAINERS_RYUK_DISABLED: 'true', TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1' } })

  before(async () => {
    engine = await startEngine({ kind: 'gantryd' })
    const client = makeClient('docker', engine)
    env = client.env
    clean = await takeFootprint(engine)
    await provideImages(client, [tiny])
  })
  after(async () => {
    try {
      await assertNothingLeftOfContainers(engine, clean)
    } finally {
      await engine.remove()
    }
  })

  void test('dockerode runs, attaches, executes, listens and removes', async () => {
    const { stdout, stderr } = await node(script('dockerode.ts'), tiny, engine.socket)
    assert.match(stdout, /done$/m, stderr)
    await makeClient('docker', engine).ok('container', 'prune', '-f')
  })

  void test('testcontainers starts a service, waits for it in four ways and asks it', async () => {
    const { stdout, stderr } = await node(script('testcontainers.ts'), tiny)
    assert.match(stdout, /done$/m, stderr.slice(-3000))
  })

  void test('compose brings three services up and down', { skip: !firstCompose && 'there is no docker-compose 1 here' }, async () => {
    const directory = path.join(engine.directory, 'project')
    mkdirSync(directory)
    writeFileSync(path.join(directory, 'docker-compose.yml'), project)
    const up = (...args: string[]) => run([...engine.host.enter, compose ?? '', '--project-directory', directory, '-f', path.join(directory, 'docker-compose.yml'), '-p', 'shop', ...args], { env })
    const client = makeClient('docker', engine)
    const started = await up('up', '-d')
    assert.equal(started.code, 0, started.stderr)
    assert.equal(await client.ok('inspect', '-f', '{{.State.Health.Status}}', 'shop_store_1'), 'healthy')
    assert.match((await run([...engine.host.enter, 'curl', '-sS', '-m', '10', 'http://127.0.0.1:18080/index.html'])).stdout, /^kept$/m)
    assert.match((await up('ps')).stdout, /shop_web_1.*Up.*127\.0\.0\.1:18080->8080/)
    assert.equal((await up('exec', '-T', 'web', 'sh', '-c', 'echo $ROLE')).stdout, 'front\n')
    assert.notEqual((await up('exec', '-T', 'probe', 'wget', '-T', '2', '-qO-', 'http://store/')).code, 0)
    const again = await up('up', '-d')
    assert.match(again.stderr, /shop_web_1 is up-to-date/)
    const stopped = await up('stop', '-t', '1')
    assert.equal(stopped.code, 0, stopped.stderr)
    assert.equal((await up('start')).code, 0)
    assert.equal((await up('scale', 'probe=2')).code, 0)
    const removed = await up('down', '-v', '-t', '1')
    assert.equal(removed.code, 0, removed.stderr)
    assert.equal(await client.ok('ps', '-aq', '--filter', 'name=shop'), '')
    assert.equal(await client.ok('volume', 'ls', '-q', '--filter', 'name=shop'), '')
    assert.equal(await client.ok('network', 'ls', '-q', '--filter', 'name=shop'), '')
    assert.ok(!existsSync(path.join(engine.dataRoot, 'volumes/shop_data')))
  })
})
