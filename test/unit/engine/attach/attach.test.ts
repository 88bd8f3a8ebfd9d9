import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { appendFileSync } from 'node:fs'
import { openTestRoom } from '../containers/engine-room.ts'
import type { TestRoom } from '../containers/engine-room.ts'

let engine: TestRoom

beforeEach(() => {
  engine = openTestRoom()
})
afterEach(() => {
  engine.room.close()
  engine.remove()
})

const all = { stdin: true, stdout: true, stderr: true, stream: true, logs: false }

test('a session from before the start sees the first output and its input arrives', async () => {
  const id = await engine.create({ config: { OpenStdin: true, StdinOnce: true } })
  const { stream, tty } = await engine.room.containers.attach(id, all)
  assert.equal(tty, false)
  stream.end('early')
  await engine.room.containers.start(id)
  const [attach] = engine.tasks.only.attaches
  assert.deepEqual(attach?.options, { stdin: true, stdout: true, stderr: true, closeStdin: true })
  attach?.stream.push('frames as they are')
  engine.tasks.only.exit(0)
  assert.equal(await text(stream), 'frames as they are')
  assert.deepEqual(attach?.input, ['early'])
})

test('detach keys end the session and not the container', async () => {
  const id = await engine.create({ config: { OpenStdin: true, Tty: true } })
  await engine.room.containers.start(id)
  const { stream } = await engine.room.containers.attach(id, { ...all, detachKeys: 'ctrl-a,x' })
  const output = text(stream)
  stream.write(Buffer.from('ls\u0001y\u0001'))
  stream.write(Buffer.from('xlost'))
  assert.equal(await output, '')
  assert.equal(engine.tasks.only.attaches[0]?.input.join(''), 'ls\u0001y')
  assert.equal((await engine.room.containers.inspect(id, { size: false })).State.Running, true)
  assert.equal(engine.events.at(-1), 'detach')
})

test('a failed start ends the sessions that wait for it', async () => {
  const id = await engine.create({})
  const { stream } = await engine.room.containers.attach(id, all)
  engine.tasks.failCreate = new Error('no')
  await assert.rejects(engine.room.containers.start(id))
  assert.equal(await text(stream), '')
})

test('the log comes first when it is asked for', async () => {
  const id = await engine.create({ config: { Tty: true } })
  await engine.room.containers.start(id)
  appendFileSync(`${engine.dataRoot}/containers/${id}/${id}-json.log`, '{"log":"old\\r\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}\n')
  const { stream } = await engine.room.containers.attach(id, { ...all, logs: true })
  engine.tasks.only.attaches[0]?.stream.push('new')
  engine.tasks.only.exit(0)
  assert.equal(await text(stream), 'old\r\nnew')
})

test('a paused container and bad keys are refused', async () => {
  const id = await engine.create({ name: 'pp' })
  await engine.room.containers.start(id)
  await engine.room.containers.pause(id)
  await assert.rejects(engine.room.containers.attach('pp', all), { kind: 'Conflict', message: 'container pp is paused, unpause the container before attach' })
  await assert.rejects(engine.room.containers.attach('pp', { ...all, detachKeys: 'nope' }), { kind: 'InvalidParameter' })
})

test('a slow reader holds the process back', async () => {
  const id = await engine.create({})
  await engine.room.containers.start(id)
  const { stream } = await engine.room.containers.attach(id, all)
  const source = engine.tasks.only.attaches[0]?.stream
  for (let i = 0; i < 40; i += 1) source?.push(Buffer.alloc(16 * 1024))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(source?.isPaused(), true)
  let received = 0
  stream.on('data', (chunk: Buffer) => (received += chunk.length))
  engine.tasks.only.exit(0)
  await new Promise((resolve) => stream.once('end', resolve))
  assert.equal(received, 40 * 16 * 1024)
})
