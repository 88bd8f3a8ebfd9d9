import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DbusConnection } from '../../../../src/kernel/dbus/connection.ts'
import { annotatedProperties } from '../../../../src/kernel/cgroup/systemd-annotations.ts'
import { limitProperties, scopeProperties } from '../../../../src/kernel/cgroup/systemd-properties.ts'
import { systemdUnitOf } from '../../../../src/kernel/cgroup/systemd-unit.ts'

const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' }

describe('a connection to a bus', { skip: !existsSync('/usr/bin/dbus-daemon') && 'needs dbus-daemon' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-dbus-test-'))
  const socket = join(directory, 'bus')
  let daemon: ChildProcess
  let connection: DbusConnection

  before(async () => {
    const config = join(directory, 'config')
    writeFileSync(config, `<busconfig><type>session</type><listen>unix:path=${socket}</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`)
    daemon = spawn('dbus-daemon', ['--config-file', config, '--nofork'], { stdio: 'inherit' })
    while (!existsSync(socket)) await sleep(10)
    connection = await DbusConnection.open(socket, { bus: true })
  })
  after(async () => {
    connection.close()
    daemon.kill()
    await once(daemon, 'exit')
    rmSync(directory, { recursive: true })
  })

  test('calls methods and hears signals', async () => {
    const heard: unknown[] = []
    connection.onSignal(({ member, body }) => heard.push(member, ...(body ?? [])))
    await connection.call({ ...bus, member: 'AddMatch', signature: 's', body: ["type='signal',member='NameOwnerChanged'"] })
    assert.deepEqual(await connection.call({ ...bus, member: 'RequestName', signature: 'su', body: ['org.example.Gantry', 0] }), [1])
    const [names] = await connection.call({ ...bus, member: 'ListNames' })
    assert.ok((names as string[]).includes('org.example.Gantry'))
    assert.match(heard.join(' '), /NameOwnerChanged org.example.Gantry  :1\.\d+/)
  })

  test('is told what went wrong', async () => {
    await assert.rejects(connection.call({ ...bus, destination: 'org.example.Nobody', member: 'X' }), { errorName: 'org.freedesktop.DBus.Error.ServiceUnknown' })
  })

  test('says what systemd is asked so that another program reads the same', async () => {
    const monitor = spawn('dbus-monitor', ['--address', `unix:path=${socket}`, "member='StartTransientUnit'"], { stdio: ['ignore', 'pipe', 'inherit'] })
    let seen = ''
    monitor.stdout.on('data', (chunk: Buffer) => (seen += String(chunk)))
    await once(monitor.stdout, 'data')
    await sleep(100)
    const unit = systemdUnitOf('machine-a.slice:gantry:c1', 'c1')
    const limits = limitProperties({ mode: 'v2' }, { memory: { limit: 1 << 26, swap: 1 << 27 }, cpu: { quota: 50_000, period: 100_000 }, pids: { limit: -1 } })
    const properties = scopeProperties(unit, 'container c1', [77], { limits, others: annotatedProperties({ 'org.systemd.property.TimeoutStopSec': '5', 'org.systemd.property.Documentation': "['man:a', 'man:b']" }) }).map(([name, value]) => [name, value])
    const call = connection.call({ ...bus, destination: 'org.example.Nobody', member: 'StartTransientUnit', signature: 'ssa(sv)a(sa(sv))', body: [unit.unit, 'replace', properties, []] })
    await assert.rejects(call)
    while (!seen.includes('TasksMax')) await sleep(10)
    await sleep(50)
    monitor.kill()
    await once(monitor, 'exit')
    const flat = seen.replaceAll(/\s+/g, ' ')
    for (const line of [
      'string "gantry-c1.scope" string "replace" array [', 'struct { string "Slice" variant string "machine-a.slice" }', 'string "Delegate" variant boolean true', 'string "PIDs" variant array [ uint32 77 ]',
      'string "MemoryMax" variant uint64 67108864', 'string "MemorySwapMax" variant uint64 67108864', 'string "CPUQuotaPerSecUSec" variant uint64 500000', 'string "TasksMax" variant uint64 18446744073709551615',
      'string "TimeoutStopUSec" variant uint64 5000000', 'string "Documentation" variant array [ string "man:a" string "man:b" ]',
    ]) assert.ok(flat.includes(line), `${line}\n${flat}`)
  })
})
