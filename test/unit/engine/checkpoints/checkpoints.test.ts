import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { GantryError } from '../../../../src/lib/errors.ts'
import { eventually } from '../../../e2e/harness/eventually.ts'
import { openTestRoom, type TestRoom } from '../containers/engine-room.ts'

let engine: TestRoom
let id: string
let place: string

beforeEach(async () => {
  engine = openTestRoom()
  id = await engine.create({ name: 'one', hostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } })
  place = join(engine.dataRoot, 'containers', id, 'checkpoints')
})
afterEach(() => {
  engine.room.close()
  engine.remove()
})

const create = (name: string, more: { directory?: string; exit?: boolean } = {}): Promise<void> => engine.room.containers.createCheckpoint('one', { name, directory: '', exit: false, ...more })
const list = (directory = ''): Promise<{ Name: string }[]> => engine.room.containers.checkpoints('one', { directory })
const status = async (): Promise<string> => (await engine.room.containers.inspect('one', { size: false })).State.Status

void test('a checkpoint is a directory of images that is listed, and removed', async () => {
  await engine.room.containers.start('one')
  await create('first')
  await create('.second'.slice(1))
  assert.deepEqual(engine.tasks.only.checkpoints, [{ images: join(place, 'first'), leaveRunning: true }, { images: join(place, 'second'), leaveRunning: true }])
  assert.deepEqual([await list(), await status()], [[{ Name: 'first' }, { Name: 'second' }], 'running'])
  assert.equal(engine.events.filter((event) => event.includes('checkpoint')).length, 2)
  await engine.room.containers.removeCheckpoint('one', { name: 'first', directory: '' })
  assert.deepEqual(readdirSync(place), ['second'])
  const elsewhere = join(engine.dataRoot, 'elsewhere')
  await create('third', { directory: elsewhere })
  assert.deepEqual([await list(elsewhere), await list()], [[{ Name: 'third' }], [{ Name: 'second' }]])
})

void test('with exit the container has ended when the call returns, and its restart policy leaves it alone', async () => {
  await engine.room.containers.start('one')
  await create('first', { exit: true })
  const { State, RestartCount } = await engine.room.containers.inspect('one', { size: false })
  assert.deepEqual([State.Status, State.ExitCode, RestartCount], ['exited', 137, 0])
})

void test('one that fails leaves neither a checkpoint nor a change of the container', async () => {
  await engine.room.containers.start('one')
  engine.tasks.only.failCheckpoint = new GantryError('System', 'criu: no')
  await assert.rejects(create('first', { exit: true }), { kind: 'System', message: 'Cannot checkpoint container one: criu: no' })
  assert.deepEqual([await list(), await status(), readdirSync(place)], [[], 'running', []])
  engine.tasks.only.exit(1)
  await eventually(async () => assert.equal((await engine.room.containers.inspect('one', { size: false })).RestartCount, 1))
})

void test('wrong names, names that are taken and containers that do not run are refused in the words of Docker', async () => {
  await assert.rejects(create('first'), { kind: 'Conflict', message: `container ${id} is not running` })
  await engine.room.containers.start('one')
  mkdirSync(join(place, 'taken'))
  writeFileSync(join(place, 'file'), '')
  const refusals: [string, string][] = [
    ['', 'Invalid checkpoint ID (), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'], ['a/b', 'Invalid checkpoint ID (a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'],
    ['..', 'Invalid checkpoint ID (..), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'], ['taken', 'cannot checkpoint container one: checkpoint with name taken already exists for container one'],
    ['file', `cannot checkpoint container one: ${join(place, 'file')} exists and is not a directory`],
  ]
  for (const [name, message] of refusals) await assert.rejects(create(name), { kind: 'System', message })
  for (const name of ['none', '../checkpoints', '..']) {
    await assert.rejects(engine.room.containers.removeCheckpoint('one', { name, directory: '' }), { message: `checkpoint ${name} does not exist for container one` })
  }
  await assert.rejects(list('/nowhere/at/all'), { kind: 'System', message: 'checkpoint  does not exist for container one' })
  await assert.rejects(list('relative'), { kind: 'InvalidParameter' })
  assert.equal(existsSync(join(place, 'taken')), true)
})

void test('a start restores it where it was on its networks, unless others are there by now', async () => {
  await engine.room.containers.start('one')
  await create('first', { exit: true })
  const kept = JSON.parse(readFileSync(join(place, 'first', 'networks.json'), 'utf8')) as Record<string, { ipv4: string }>
  await assert.rejects(engine.room.containers.start('one', { checkpoint: 'none', directory: '' }), { kind: 'System', message: 'checkpoint none does not exist for container /one' })
  assert.equal(await status(), 'exited')
  await engine.room.containers.start('one', { checkpoint: 'first', directory: '' })
  assert.equal(engine.tasks.only.request.restore, join(place, 'first'))
  const { IPAddress } = Object.values((await engine.room.containers.inspect('one', { size: false })).NetworkSettings['Networks'] as Record<string, { IPAddress: string }>)[0]!
  assert.equal(IPAddress, Object.values(kept)[0]!.ipv4)
  assert.equal(engine.tasks.only.status, 'running')
})

void test('an engine that was killed in the middle leaves half a checkpoint, which the next one takes away', async () => {
  for (const name of ['half', 'whole']) mkdirSync(join(place, name))
  writeFileSync(join(place, 'whole', 'inventory.img'), '')
  const next = engine.reopen()
  await next.room.recover()
  assert.deepEqual(readdirSync(place), ['whole'])
  assert.equal(next.lines.some((line) => line.includes('half-made checkpoint half')), true)
})
