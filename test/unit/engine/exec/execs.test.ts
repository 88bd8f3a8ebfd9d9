import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { buffer, text } from 'node:stream/consumers'
import { openTestRoom } from '../containers/engine-room.ts'
import type { TestRoom } from '../containers/engine-room.ts'

let engine: TestRoom
let id: string

beforeEach(async () => {
  engine = openTestRoom()
  id = await engine.create({ name: 'host' })
  await engine.room.containers.start(id)
})
afterEach(() => {
  engine.room.close()
  engine.remove()
})

const attached = { AttachStdin: true, AttachStdout: true, AttachStderr: true }

test('an exec runs, carries its output and keeps its exit code', async () => {
  const { exec, containers } = engine.room
  const { Id } = await exec.create('host', { ...attached, Cmd: ['echo', 'hi'] })
  assert.deepEqual((await containers.inspect(id, { size: false })).ExecIDs, [Id])
  const session = await exec.start(Id, { detach: false, tty: false })
  assert.equal((await exec.inspect(Id)).Running, true)
  const process = engine.tasks.only.getExec(Id)
  process?.attached.push('output')
  process?.exit(4)
  assert.equal(await text(session!.stream), 'output')
  const { Running, ExitCode, ProcessConfig } = await exec.inspect(Id)
  assert.deepEqual([Running, ExitCode, ProcessConfig.entrypoint, ProcessConfig.arguments], [false, 4, 'echo', ['hi']])
  assert.equal((await containers.inspect(id, { size: false })).ExecIDs, null)
  assert.deepEqual(engine.events.slice(-3), ['exec_create: echo hi', 'exec_start: echo hi', 'exec_die'])
  const refusal = `Error: Exec command ${Id} has already run`
  await assert.rejects(exec.start(Id, { detach: true, tty: false }), { kind: 'Conflict', message: refusal })
  const again = await exec.start(Id, { detach: false, tty: false })
  assert.equal((await buffer(again!.stream)).subarray(8).toString(), `${refusal}\r\n`)
})

test('a command that is not there says so on the output, with 127', async () => {
  const { exec } = engine.room
  const text = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "missing": executable file not found in $PATH: unknown'
  const { Id } = await exec.create('host', { ...attached, Cmd: ['missing'] })
  const session = await exec.start(Id, { detach: false, tty: false })
  const bytes = await buffer(session!.stream)
  assert.equal(bytes[0], 1)
  assert.equal(bytes.toString('utf8', 8), `${text}\r\n`)
  assert.equal((await exec.inspect(Id)).ExitCode, 127)
  const detached = await exec.create('host', { Cmd: ['missing'] })
  await assert.rejects(exec.start(detached.Id, { detach: true, tty: false }), { message: text, exitCode: 127 })
})

test('a container that does not run takes no exec', async () => {
  const { exec, containers } = engine.room
  const { Id } = await exec.create('host', { Cmd: ['true'] })
  await containers.pause(id)
  await assert.rejects(exec.create('host', { Cmd: ['true'] }), { kind: 'Conflict', message: 'Container host is paused, unpause the container before exec' })
  await containers.unpause(id)
  await assert.rejects(exec.create('host', { Cmd: [] }), { kind: 'InvalidParameter', message: 'No exec command specified' })
  await containers.stop(id, {})
  await assert.rejects(exec.create('host', { Cmd: ['true'] }), { kind: 'Conflict', message: `container ${id} is not running` })
  await assert.rejects(exec.inspect(Id), { kind: 'NotFound', message: `No such exec instance: ${Id}` })
})

test('an exec that goes with its container can still be asked for its code', async () => {
  const { exec, containers } = engine.room
  const { Id } = await exec.create('host', { Cmd: ['sleep'] })
  await exec.start(Id, { detach: true, tty: false })
  engine.tasks.only.getExec(Id)?.exit(137)
  await containers.stop(id, {})
  assert.equal((await exec.inspect(Id)).ExitCode, 137)
})
