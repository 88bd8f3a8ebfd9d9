import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { limitProperties } from '../../../../src/kernel/cgroup/systemd-properties.ts'
import { findManager } from '../../../../src/kernel/cgroup/systemd-socket.ts'
import { hostUser, isRootless } from '../../../../src/kernel/host-user.ts'
import type { OciResources } from '../../../../src/runc/spec.ts'

const MiB = 1 << 20
const unlimited = 0xffff_ffff_ffff_ffffn

function shown(resources: OciResources, mode: 'v1' | 'v2' = 'v2', version?: number): Record<string, unknown> {
  return Object.fromEntries(limitProperties({ mode }, resources, version).map(([name, { value }]) => [name, value]))
}

describe('limits as properties of a unit', () => {
  test('say that there is no swap, which is not the same as saying nothing', () => {
    assert.deepEqual(shown({ memory: { limit: 64 * MiB, swap: 64 * MiB } }), { MemoryMax: 67108864n, MemorySwapMax: 0n })
    assert.deepEqual(shown({ memory: { limit: 64 * MiB } }), { MemoryMax: 67108864n })
    assert.deepEqual(shown({ memory: { limit: 64 * MiB, swap: -1, reservation: MiB } }), { MemoryMax: 67108864n, MemoryLow: 1048576n, MemorySwapMax: unlimited })
    assert.throws(() => shown({ memory: { limit: 2 * MiB, swap: MiB } }), { kind: 'InvalidParameter' })
  })

  test('round a quota up to whole per cents, and leave the period out where it is not known', () => {
    assert.deepEqual(shown({ cpu: { quota: 55_500, period: 100_000 } }), { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: 560_000n })
    assert.deepEqual(shown({ cpu: { quota: 50_000 } }, 'v2', 241), { CPUQuotaPerSecUSec: 500_000n })
    assert.deepEqual(shown({ cpu: { quota: -1, period: 50_000 } }), { CPUQuotaPeriodUSec: 50_000n, CPUQuotaPerSecUSec: unlimited })
  })

  test('give the weight that the file gets, and processors as bits', () => {
    assert.deepEqual(shown({ cpu: { shares: 512, cpus: '0-1,8', mems: '0' } }), { CPUWeight: 20n, AllowedCPUs: [3, 1], AllowedMemoryNodes: [1] })
    assert.deepEqual(shown({ cpu: { cpus: '0-1' } }, 'v2', 243), {})
    assert.deepEqual(shown({ cpu: { shares: 512, cpus: '0-1' } }, 'v1'), { CPUShares: 512n })
    assert.deepEqual([shown({ cpu: { idle: 1 } }), shown({ cpu: { idle: 1 } }, 'v2', 251)], [{ CPUWeight: 0n }, {}])
  })

  test('include what is said by file names of v2', () => {
    assert.deepEqual(shown({ unified: { 'memory.high': '1048576', 'pids.max': 'max', 'cpu.max': '20000 50000', 'cpuset.cpus': '1', 'io.max': '8:0 rbps=1' } }), {
      MemoryHigh: 1048576n, TasksMax: unlimited, CPUQuotaPeriodUSec: 50_000n, CPUQuotaPerSecUSec: 400_000n, AllowedCPUs: [2],
    })
  })

  test('take -1 for no limit on processes and 0 for nothing said', () => {
    assert.deepEqual([shown({ pids: { limit: -1 } }), shown({ pids: { limit: 0 } }), shown({ pids: { limit: 9 } })], [{ TasksMax: unlimited }, {}, { TasksMax: 9n }])
  })

  test('turn a weight of BFQ into the one that systemd turns back', () => {
    for (const weight of [10, 100, 300, 1000]) {
      const io = Number(shown({ blockIO: { weight } })['IOWeight'])
      assert.equal(io <= 100 ? io : 100 + Math.floor(((io - 100) * 900) / 9900), weight)
    }
  })
})

const on = (...paths: string[]) => (path: string): boolean => ['/run/systemd/system', ...paths].includes(path)

describe('the manager to ask', () => {
  test('is the one of the system for root, and the own one for others', () => {
    assert.equal(findManager({ rootless: false, user: 0, environment: {}, exists: on('/run/systemd/private', '/run/dbus/system_bus_socket') }).path, '/run/systemd/private')
    assert.deepEqual(findManager({ rootless: false, user: 0, environment: {}, exists: on('/run/dbus/system_bus_socket') }), { path: '/run/dbus/system_bus_socket', bus: true })
    assert.equal(findManager({ rootless: true, user: 7, environment: {}, exists: on('/run/systemd/private', '/run/user/7/systemd/private') }).path, '/run/user/7/systemd/private')
    const environment = { XDG_RUNTIME_DIR: '/tmp/7', DBUS_SESSION_BUS_ADDRESS: 'unix:abstract=/x;unix:path=/tmp/a%20b,guid=1' }
    assert.deepEqual(findManager({ rootless: true, user: 7, environment, exists: on('/tmp/a b') }), { path: '/tmp/a b', bus: true })
  })

  test('is said to be missing in so many words', () => {
    assert.throws(() => findManager({ rootless: false, user: 0, environment: {}, exists: () => false }), { kind: 'Unavailable', message: 'systemd not running on this host, cannot use systemd cgroups manager' })
    assert.throws(() => findManager({ rootless: true, user: 7, environment: {}, exists: on() }), /user 7 has no systemd of his own running .*loginctl enable-linger.*\/run\/user\/7\/bus/)
  })
})

describe('who this process is', () => {
  const whole = '         0          0 4294967295\n'
  const own = '         0       1000          1\n         1     100000      65536\n'

  test('is told by the map of its user namespace', () => {
    assert.deepEqual([hostUser(0, whole), hostUser(5, whole), hostUser(0, own), hostUser(3, own), hostUser(0, '')], [0, 5, 1000, 100_002, 0])
  })

  test('is an ordinary user also as root of a namespace of his own, but not as root of a system in one', () => {
    assert.deepEqual([isRootless(0, whole, 'anna'), isRootless(1000, whole, 'root'), isRootless(0, own, 'anna'), isRootless(0, own, 'root'), isRootless(0, own, '')], [false, true, true, false, false])
  })
})
