import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
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

/** kill -9 of the engine, and a new one. */
async function restartEngine(): Promise<void> {
  engine = engine.reopen()
  await engine.room.recover()
}

async function state(id: string): Promise<{ Status: string; ExitCode: number; Pid: number }> {
  const { State } = await engine.room.containers.inspect(id, { size: false })
  return State
}

test('a running container is found again, and its later exit is seen', async () => {
  const id = await engine.create({ name: 'web' })
  await engine.room.containers.start(id)
  const { pid } = engine.tasks.only
  await restartEngine()
  assert.deepEqual([(await state('web')).Status, (await state('web')).Pid], ['running', pid])
  assert.equal(engine.network.held.size, 1)
  const exit = engine.room.containers.wait(id, 'next-exit', () => undefined)
  engine.tasks.only.exit(9)
  assert.deepEqual(await exit, { StatusCode: 9 })
  assert.equal(engine.network.held.size, 0)
})

test('an exit while no engine ran keeps its code', async () => {
  const id = await engine.create({})
  const removed = await engine.create({ hostConfig: { AutoRemove: true } })
  await engine.room.containers.start(id)
  await engine.room.containers.start(removed)
  engine = engine.reopen()
  for (const task of engine.tasks.list()) task.exit(5)
  await engine.room.recover()
  assert.deepEqual([(await state(id)).Status, (await state(id)).ExitCode], ['exited', 5])
  await assert.rejects(state(removed), { kind: 'NotFound' })
  assert.equal(engine.network.held.size, 0)
})

test('processes that vanished with the host are an exit with 255, and "always" brings them back', async () => {
  const plain = await engine.create({})
  const always = await engine.create({ hostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } })
  await engine.room.containers.start(plain)
  await engine.room.containers.start(always)
  engine.tasks.tasks.clear()
  await restartEngine()
  assert.deepEqual([(await state(plain)).Status, (await state(plain)).ExitCode], ['exited', 255])
  while (engine.tasks.get(always) === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
})

test('unless-stopped rests after a stop by hand, always does not', async () => {
  const policies = ['always', 'unless-stopped'] as const
  const [always, unless] = await Promise.all(policies.map((Name) => engine.create({ hostConfig: { RestartPolicy: { Name, MaximumRetryCount: 0 } } })))
  for (const id of [always, unless]) {
    await engine.room.containers.start(id as string)
    await engine.room.containers.stop(id as string, {})
  }
  await restartEngine()
  while (engine.tasks.tasks.size === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual([...engine.tasks.tasks.keys()], [always])
})

/** What the killed engine had written of a container's state. */
function rewrite(id: string, change: (file: { State: Record<string, unknown>; RestartCount: number }) => void): void {
  const path = `${engine.dataRoot}/containers/${id}/config.v2.json`
  const file = JSON.parse(readFileSync(path, 'utf8')) as { State: Record<string, unknown>; RestartCount: number }
  change(file)
  writeFileSync(path, JSON.stringify(file))
}

test('a task that was never started is removed and its endpoint given back', async () => {
  const id = await engine.create({})
  await engine.room.containers.start(id)
  engine.tasks.only.status = 'created'
  rewrite(id, ({ State }) => Object.assign(State, { Running: false, Pid: 0 }))
  await restartEngine()
  assert.equal(engine.tasks.tasks.size, 0)
  assert.equal(engine.network.held.size, 0)
  assert.equal((await state(id)).Status, 'exited')
})

test('a start that was cut off after its record goes on', async () => {
  const id = await engine.create({})
  await engine.room.containers.start(id)
  engine.tasks.only.status = 'created'
  await restartEngine()
  assert.equal(engine.tasks.only.status, 'running')
  assert.deepEqual([(await state(id)).Status, engine.network.held.size], ['running', 1])
})

test('an exit that was recorded before the task was taken away is neither lost nor counted again', async () => {
  const policy = { Name: 'on-failure', MaximumRetryCount: 3 } as const
  const plain = await engine.create({})
  const restarting = await engine.create({ hostConfig: { RestartPolicy: policy } })
  for (const id of [plain, restarting]) await engine.room.containers.start(id)
  engine = engine.reopen()
  for (const task of engine.tasks.list()) task.exit(5)
  rewrite(plain, ({ State }) => Object.assign(State, { Running: false, Pid: 0, ExitCode: 4 }))
  rewrite(restarting, (file) => Object.assign(file, { RestartCount: 2, State: { ...file.State, Restarting: true, Pid: 0, ExitCode: 5 } }))
  await engine.room.recover()
  assert.deepEqual([(await state(plain)).Status, (await state(plain)).ExitCode], ['exited', 4])
  assert.equal((await engine.room.containers.inspect(restarting, { size: false })).RestartCount, 2)
  while (engine.tasks.get(restarting) === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(engine.tasks.tasks.size, 1)
})

test('an exit is on disk before its task is taken away', async () => {
  const id = await engine.create({ hostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } } })
  await engine.room.containers.start(id)
  const task = engine.tasks.only
  const recorded = new Promise<{ State: Record<string, unknown>; RestartCount: number }>((resolve) => {
    const remove = task.delete.bind(task)
    task.delete = () => {
      rewrite(id, resolve)
      return remove()
    }
  })
  task.exit(6)
  const { State, RestartCount } = await recorded
  assert.deepEqual([State['ExitCode'], State['Restarting'], RestartCount], [6, true, 1])
  while (engine.tasks.tasks.size === 0 || engine.tasks.only === task || engine.tasks.only.status === 'created') await new Promise((resolve) => setTimeout(resolve, 10))
})

test('what is half made goes: directories, snapshots, tasks without a container', async () => {
  const id = await engine.create({})
  await engine.room.containers.start(id)
  const half = 'e'.repeat(64)
  mkdirSync(`${engine.dataRoot}/containers/${half}`)
  engine.snapshots.add(half)
  rmSync(`${engine.dataRoot}/containers/${id}/config.v2.json`)
  await restartEngine()
  assert.deepEqual(readdirSync(`${engine.dataRoot}/containers`), [])
  assert.equal(engine.snapshots.size, 0)
  assert.equal(engine.tasks.tasks.size, 0)
})

test('a container without its file system is removed', async () => {
  await engine.create({})
  engine.snapshots.clear()
  await restartEngine()
  assert.equal(engine.room.counts().total, 0)
  assert.deepEqual(readdirSync(`${engine.dataRoot}/containers`), [])
})

test('an unreadable configuration is put aside with its snapshot', async () => {
  const id = await engine.create({})
  const whole = await engine.create({ name: 'whole' })
  writeFileSync(`${engine.dataRoot}/containers/${id}/config.v2.json`, '{"ID":')
  await restartEngine()
  await restartEngine()
  assert.equal(engine.room.counts().total, 1)
  assert.ok(existsSync(`${engine.dataRoot}/unreadable-containers/${id}/hostconfig.json`))
  assert.deepEqual([...engine.snapshots].toSorted(), [id, whole].toSorted())
})

test('anonymous volumes go with an interrupted create or removal', async () => {
  const id = await engine.create({ config: { Volumes: { '/data': {} } } })
  const { Mounts } = await engine.room.containers.inspect(id, { size: false })
  assert.ok(existsSync(String(Mounts[0]?.['Source'])))
  const [name = ''] = readdirSync(`${engine.dataRoot}/volumes`)
  // As a kill leaves it before the container is whole, and after it has begun to go.
  writeFileSync(`${engine.dataRoot}/volumes/${name}/container`, id)
  rmSync(`${engine.dataRoot}/containers/${id}/config.v2.json`)
  await restartEngine()
  assert.deepEqual(readdirSync(`${engine.dataRoot}/volumes`), [])

  const left = await engine.create({ config: { Volumes: { '/data': {} } } })
  await engine.room.containers.remove(left, { force: false, volumes: false })
  await restartEngine()
  assert.equal(readdirSync(`${engine.dataRoot}/volumes`).length, 1)
  const both = await engine.create({ config: { Volumes: { '/data': {} } } })
  await engine.room.containers.remove(both, { force: false, volumes: true })
  assert.equal(readdirSync(`${engine.dataRoot}/volumes`).length, 1)
})

test('names and ids mean the same as before', async () => {
  const id = await engine.create({ name: 'kept' })
  await restartEngine()
  assert.equal((await engine.room.containers.inspect(id.slice(0, 10), { size: false })).Name, '/kept')
  await assert.rejects(engine.create({ name: 'kept' }), { kind: 'Conflict' })
})

test('a container whose removal failed is removed by the next engine', async () => {
  const id = await engine.create({ name: 'web' })
  const [container] = engine.room.all()
  assert.ok(container !== undefined)
  container.state.Dead = true
  engine.room.save(container)
  await restartEngine()
  await assert.rejects(state(id), { kind: 'NotFound' })
})

test('values that were set by hand are recorded, and written again at each start, until an update says otherwise', async () => {
  const id = await engine.create({})
  const { containers } = engine.room
  assert.deepEqual(await containers.setCgroup(id, { values: { 'cpu.weight': '50', 'pids.max': '9' }, adopt: false }), { 'cpu.weight': '50', 'pids.max': '9' })
  await restartEngine()
  await engine.room.containers.start(id)
  assert.deepEqual(engine.tasks.only.written, [{ 'cpu.weight': '50', 'pids.max': '9' }])
  await engine.room.containers.update(id, { PidsLimit: 20 })
  assert.deepEqual(await engine.room.containers.setCgroup(id, { values: { 'cpu.weight': '' }, adopt: false }), {})
  await assert.rejects(engine.room.containers.setCgroup(id, { values: { 'cgroup.kill': '1' }, adopt: false }), { kind: 'InvalidParameter' })
})
