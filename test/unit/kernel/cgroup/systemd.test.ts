import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodeMessage, encodeMessage, type DbusMessage } from '../../../../src/kernel/dbus/message.ts'
import { SystemdManager } from '../../../../src/kernel/cgroup/systemd-manager.ts'
import { tasksMax } from '../../../../src/kernel/cgroup/systemd-properties.ts'
import { pathOfSlice, systemdUnitOf } from '../../../../src/kernel/cgroup/systemd-unit.ts'

describe('a unit of systemd', () => {
  test('is where cgroupsPath says', () => {
    assert.deepEqual(systemdUnitOf('user-1000.slice:docker:abc', 'x'), { slice: 'user-1000.slice', unit: 'docker-abc.scope', path: '/user.slice/user-1000.slice/docker-abc.scope' })
    assert.deepEqual(systemdUnitOf(undefined, 'x', { prefix: 'p' }), { slice: 'system.slice', unit: 'p-x.scope', path: '/system.slice/p-x.scope' })
    assert.deepEqual(systemdUnitOf('-.slice::abc', 'x'), { slice: '-.slice', unit: 'abc.scope', path: '/abc.scope' })
    assert.equal(systemdUnitOf(':p:pod.slice', 'x').path, '/system.slice/pod.slice')
  })

  test('has a name that is one', () => {
    for (const path of ['/a/b', 'a.slice:b', 'a.slice:b:', 'a.slice:b:c/d', 'a:b:c', 'a--b.slice:c:d', '../x.slice:c:d']) assert.throws(() => systemdUnitOf(path, 'x'), { kind: 'InvalidParameter' }, path)
    assert.equal(pathOfSlice('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
  })
})

/** Answers as systemd does on its private socket; what it really does is tested where there is one. */
function answer(socket: Socket, { serial, member, body = [] }: DbusMessage, asked: DbusMessage[]): void {
  const job = `/org/freedesktop/systemd1/job/${serial}`
  const reply = (signature: string, values: string[]): void => void socket.write(encodeMessage({ type: 2, serial, replySerial: serial, signature, body: values }))
  if (member === 'StartTransientUnit' || member === 'StopUnit') {
    if (body[0] === 'p-twice.scope' && asked.at(-1)?.member !== 'ResetFailedUnit') {
      socket.write(encodeMessage({ type: 3, serial, replySerial: serial, errorName: 'org.freedesktop.systemd1.UnitExists', signature: 's', body: ['Unit p-twice.scope already exists.'] }))
      asked.push({ type: 1, serial, member, body })
      return
    }
    if (body[0] === 'p-gone.scope') {
      socket.write(encodeMessage({ type: 3, serial, replySerial: serial, errorName: 'org.freedesktop.systemd1.NoSuchUnit', signature: 's', body: ['Unit p-gone.scope not loaded.'] }))
      return
    }
    const removed = { type: 4, serial, path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager', member: 'JobRemoved', signature: 'uoss' }
    socket.write(encodeMessage({ ...removed, body: [1, '/other', 'other.scope', 'failed'] }))
    // The end may be told before the method comes back.
    socket.write(encodeMessage({ ...removed, body: [2, job, body[0] ?? '', body[0] === 'p-bad.scope' ? 'failed' : 'done'] }))
    reply('o', [job])
  } else if (member === 'Get') {
    const value = body[1] === 'Version' ? '252.39-1~deb12u1' : '/user.slice/'
    socket.write(encodeMessage({ type: 2, serial, replySerial: serial, signature: 'v', body: [{ signature: 's', value }] }))
  } else reply('', [])
  asked.push({ type: 1, serial, member: member ?? '', body })
}

describe('systemd as the manager of cgroups', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-systemd-test-'))
  const path = join(directory, 'private')
  const asked: DbusMessage[] = []
  let server: Server
  let manager: SystemdManager

  before(async () => {
    server = createServer((socket) => {
      let received = Buffer.alloc(0)
      let begun = false
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        if (!begun && received.includes('AUTH EXTERNAL')) {
          socket.write('OK 0123456789abcdef0123456789abcdef\r\n')
          received = Buffer.alloc(0)
        }
        const start = received.indexOf('BEGIN\r\n')
        if (!begun && start >= 0) {
          begun = true
          received = received.subarray(start + 7)
        }
        for (let next = begun ? decodeMessage(received) : undefined; next !== undefined; next = decodeMessage(received)) {
          received = received.subarray(next.size)
          answer(socket, next.message, asked)
        }
      })
    })
    server.listen(path)
    await once(server, 'listening')
    manager = await SystemdManager.open({ path, bus: false })
  })
  after(() => {
    manager.close()
    server.close()
    rmSync(directory, { recursive: true })
  })

  test('is asked for a scope with a process in it, and waits for the job', async () => {
    const unitOk = systemdUnitOf('system.slice:p:ok', 'ok')
    const scope = await manager.startScope(unitOk, 'container ok', { limits: [] })
    const [unit, mode, properties] = asked.at(-1)!.body as [string, string, [string, { value: unknown }][]]
    assert.deepEqual([unit, mode], ['p-ok.scope', 'replace'])
    const [pid] = Object.fromEntries(properties)['PIDs']!.value as number[]
    assert.ok(process.kill(pid!, 0))
    await scope.release()
    assert.throws(() => process.kill(pid!, 0), { code: 'ESRCH' })
    await manager.stop(unitOk)
    assert.deepEqual(asked.slice(-2).map(({ member }) => member), ['StopUnit', 'ResetFailedUnit'])
  })

  test('says which it is, and where', () => {
    assert.deepEqual([manager.version, manager.controlGroup], [252, '/user.slice'])
  })

  test('has written new limits when it is asked the next thing', async () => {
    await manager.setLimits(systemdUnitOf('system.slice:p:ok', 'ok'), [tasksMax(7)])
    assert.deepEqual(asked.slice(-2).map(({ member }) => member), ['SetUnitProperties', 'Ping'])
    assert.deepEqual(asked.at(-2)!.body, ['p-ok.scope', true, [['TasksMax', { signature: 't', value: 7n }]]])
  })

  test('forgets a failed unit that is in the way of a new one, once', async () => {
    const scope = await manager.startScope(systemdUnitOf('system.slice:p:twice', 'twice'), '', { limits: [] })
    await scope.release()
    assert.deepEqual(asked.slice(-3).map(({ member }) => member), ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit'])
  })

  test('that refuses is an error, except for what is gone already', async () => {
    await assert.rejects(manager.startScope(systemdUnitOf('system.slice:p:bad', 'bad'), '', { limits: [] }), { message: 'cannot start unit p-bad.scope: its job ended with "failed"' })
    await manager.stop(systemdUnitOf('system.slice:p:gone', 'gone'))
  })
})
