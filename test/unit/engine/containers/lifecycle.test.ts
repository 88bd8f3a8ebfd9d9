import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import { GantryError } from '../../../../src/lib/errors.ts'
import { openTestRoom } from './engine-room.ts'
import type { TestRoom } from './engine-room.ts'

let engine: TestRoom

beforeEach(() => {
  engine = openTestRoom()
})
afterEach(() => {
  engine.room.close()
  engine.remove()
})

async function exited(id: string): Promise<void> {
  await engine.room.containers.wait(id, 'not-running', () => undefined)
}

test('a container is created with its files and its name is taken', async () => {
  const id = await engine.create({ name: 'web' })
  assert.match(id, /^[0-9a-f]{64}$/)
  const directory = `${engine.dataRoot}/containers/${id}`
  const config = JSON.parse(readFileSync(`${directory}/config.v2.json`, 'utf8')) as Record<string, unknown>
  assert.equal(config['Name'], '/web')
  assert.equal(config['Path'], 'sh')
  assert.equal(readFileSync(`${directory}/hostname`, 'utf8'), `${id.slice(0, 12)}\n`)
  assert.ok(existsSync(`${directory}/hostconfig.json`))
  await assert.rejects(engine.create({ name: 'web' }), {
    kind: 'Conflict',
    message: `Conflict. The container name "/web" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  })
  assert.equal(engine.snapshots.size, 1)
})

test('a failed create leaves nothing and frees the name', async () => {
  await assert.rejects(engine.create({ name: 'x y' }), { message: 'Invalid container name (x y), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed' })
  await assert.rejects(engine.create({ config: { Image: 'nosuch' } }), { kind: 'NotFound', message: 'No such image: nosuch:latest' })
  assert.deepEqual(readdirSync(`${engine.dataRoot}/containers`), [])
  assert.equal(engine.snapshots.size, 0)
})

test('a container starts, exits with its code and can be started again', async () => {
  const id = await engine.create({ name: 'job' })
  await engine.room.containers.start(id)
  const running = await engine.room.containers.inspect('job', { size: false })
  assert.equal(running.State.Status, 'running')
  assert.equal(running.State.Pid, engine.tasks.only.pid)
  assert.equal(running.NetworkSettings['IPAddress'], '172.17.0.2')
  assert.match(readFileSync(running.HostsPath, 'utf8'), /172\.17\.0\.2\t/)
  await assert.rejects(engine.room.containers.start(id), { kind: 'NotModified' })
  const waiting = engine.room.containers.wait(id, 'next-exit', () => undefined)
  engine.tasks.only.exit(3)
  assert.deepEqual(await waiting, { StatusCode: 3 })
  const stopped = await engine.room.containers.inspect(id, { size: false })
  assert.equal(stopped.State.Status, 'exited')
  assert.equal(stopped.State.ExitCode, 3)
  assert.equal(engine.network.held.size, 0)
  assert.equal(engine.tasks.tasks.size, 0)
  await engine.room.containers.start(id)
  assert.deepEqual(engine.events, ['create', 'network connect', 'start', 'network disconnect', 'die', 'network connect', 'start'])
})

test('a command that is not there gives 127 and Docker\'s text, and everything is undone', async () => {
  const id = await engine.create({})
  engine.tasks.failStart = new GantryError('InvalidParameter', 'exec: "nosuch": executable file not found in $PATH', { exitCode: 127 })
  const text = 'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "nosuch": executable file not found in $PATH: unknown'
  await assert.rejects(engine.room.containers.start(id), { kind: 'InvalidParameter', exitCode: 127, message: text })
  const { State } = await engine.room.containers.inspect(id, { size: false })
  assert.deepEqual({ Status: State.Status, ExitCode: State.ExitCode, Error: State.Error, Pid: State.Pid }, { Status: 'created', ExitCode: 127, Error: text, Pid: 0 })
  assert.equal(engine.network.held.size, 0)
  assert.equal(engine.tasks.tasks.size, 0)
})

test('a port in use fails the start with the network\'s own words', async () => {
  const id = await engine.create({})
  engine.network.fail = new GantryError('System', 'Bind for 0.0.0.0:80 failed: port is already allocated')
  await assert.rejects(engine.room.containers.start(id), { kind: 'System', message: 'failed to set up container networking: Bind for 0.0.0.0:80 failed: port is already allocated' })
})

test('stop sends the stop signal, and SIGKILL after the timeout', async () => {
  const id = await engine.create({ config: { StopSignal: 'SIGINT' } })
  await engine.room.containers.start(id)
  const task = engine.tasks.only
  await engine.room.containers.stop(id, { timeout: 0 })
  assert.deepEqual(task.signals, [2, 9])
  await assert.rejects(engine.room.containers.stop(id, {}), { kind: 'NotModified' })
  assert.deepEqual(engine.events.slice(3), ['kill', 'kill', 'network disconnect', 'die', 'stop'])
})

test('kill of a stopped container is a conflict', async () => {
  const id = await engine.create({ name: 'kk' })
  await assert.rejects(engine.room.containers.kill('kk', 'SIGKILL'), { kind: 'Conflict', message: `cannot kill container: kk: container ${id} is not running` })
  await engine.room.containers.start(id)
  await assert.rejects(engine.room.containers.kill('kk', 'NOPE'), { kind: 'InvalidParameter', message: 'cannot kill container: kk: invalid signal: NOPE' })
})

test('a running container is removed only by force', async () => {
  const id = await engine.create({ name: 'rr' })
  await engine.room.containers.start(id)
  await assert.rejects(engine.room.containers.remove('rr', { force: false, volumes: false }), {
    kind: 'Conflict',
    message: 'cannot remove container "/rr": container is running: stop the container before removing or force remove',
  })
  await engine.room.containers.remove('rr', { force: true, volumes: false })
  await assert.rejects(engine.room.containers.inspect('rr', { size: false }), { kind: 'NotFound', message: 'No such container: rr' })
  assert.deepEqual(readdirSync(`${engine.dataRoot}/containers`), [])
  assert.equal(engine.snapshots.size, 0)
})

test('--rm removes it after its exit and tells those who wait for that', async () => {
  const id = await engine.create({ hostConfig: { AutoRemove: true } })
  const removed = engine.room.containers.wait(id, 'removed', () => undefined)
  await engine.room.containers.start(id)
  engine.tasks.only.exit(7)
  assert.deepEqual(await removed, { StatusCode: 7 })
  assert.equal(engine.room.counts().total, 0)
  assert.deepEqual(engine.events.slice(-2), ['die', 'destroy'])
})

test('on-failure restarts as often as it may', async () => {
  const id = await engine.create({ hostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } } })
  await engine.room.containers.start(id)
  const first = engine.tasks.only
  first.exit(1)
  await exited(id)
  assert.equal((await engine.room.containers.inspect(id, { size: false })).State.Status, 'restarting')
  while (engine.tasks.tasks.size === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  const again = engine.room.containers.wait(id, 'next-exit', () => undefined)
  engine.tasks.only.exit(2)
  await again
  const { State, RestartCount } = await engine.room.containers.inspect(id, { size: false })
  assert.deepEqual([State.Status, State.ExitCode, RestartCount], ['exited', 2, 1])
})

test('stop ends the waiting for a restart', async () => {
  const id = await engine.create({ hostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } })
  await engine.room.containers.start(id)
  engine.tasks.only.exit(1)
  await exited(id)
  await engine.room.containers.stop(id, {})
  assert.equal((await engine.room.containers.inspect(id, { size: false })).State.Status, 'exited')
})

test('restart stops and starts; --rm does not act in between', async () => {
  const id = await engine.create({ hostConfig: { AutoRemove: true } })
  await engine.room.containers.start(id)
  const first = engine.tasks.only
  await engine.room.containers.restart(id, {})
  assert.deepEqual(first.signals, [15])
  assert.notEqual(engine.tasks.only, first)
  assert.equal(engine.events.at(-1), 'restart')
})

test('pause and unpause are told apart from other states', async () => {
  const id = await engine.create({})
  await assert.rejects(engine.room.containers.pause(id), { message: `container ${id} is not running` })
  await engine.room.containers.start(id)
  await engine.room.containers.pause(id)
  await assert.rejects(engine.room.containers.pause(id), { message: `container ${id} is already paused` })
  const [summary] = await engine.room.containers.list({ all: false, limit: 0, size: false, filters: new Map() })
  assert.equal(summary?.Status, 'Up Less than a second (Paused)')
  await engine.room.containers.unpause(id)
  await assert.rejects(engine.room.containers.unpause(id), { message: `container ${id} is not paused` })
})

test('rename gives the old name free', async () => {
  const id = await engine.create({ name: 'before' })
  await engine.create({ name: 'other' })
  await assert.rejects(engine.room.containers.rename(id, 'other'), { kind: 'Conflict' })
  await engine.room.containers.rename(id, 'after')
  await engine.create({ name: 'before' })
  assert.equal((await engine.room.containers.inspect('after', { size: false })).Id, id)
})

test('top shows the container\'s processes alone', async () => {
  const id = await engine.create({})
  await engine.room.containers.start(id)
  assert.deepEqual(await engine.room.containers.top(id, ''), { Titles: ['UID', 'PID', 'CMD'], Processes: [['root', '1000', 'sleep 9']] })
})

test('starts and stops of one container do not mix', async () => {
  const id = await engine.create({})
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => engine.room.containers.start(id)))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  await Promise.all(Array.from({ length: 4 }, () => engine.room.containers.remove(id, { force: true, volumes: false }).catch(() => undefined)))
  assert.equal(engine.room.counts().total, 0)
  assert.equal(engine.tasks.tasks.size, 0)
})
