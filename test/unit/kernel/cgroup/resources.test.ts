import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CgroupLayout } from '../../../../src/kernel/cgroup/layout.ts'
import { resourceWrites, type CurrentLimits } from '../../../../src/kernel/cgroup/resources.ts'
import { weightOfShares } from '../../../../src/kernel/cgroup/resources-v2.ts'
import { deviceRules, deviceWritesV1 } from '../../../../src/kernel/cgroup/devices.ts'
import type { OciResources } from '../../../../src/runc/spec.ts'

const v1: CgroupLayout = {
  mode: 'hybrid',
  root: '/c',
  hierarchies: ['memory', 'cpu', 'cpuset', 'pids', 'blkio', 'devices'].map((name) => ({ version: 1, name, mountpoint: `/c/${name}`, controllers: [name] })),
}
const v2: CgroupLayout = { mode: 'v2', root: '/c', hierarchies: [{ version: 2, name: '', mountpoint: '/c', controllers: ['memory', 'cpu', 'cpuset', 'pids', 'io'] }] }

const lines = (layout: CgroupLayout, resources: OciResources, current?: CurrentLimits): string[] =>
  resourceWrites(layout, resources, current).map(({ file, value }) => `${file}=${value}`)

const order = (swap: number, memoryAndSwap?: number): string[] =>
  lines(v1, { memory: { limit: 50, swap } }, { memoryAndSwap }).map((line) => line.split('=')[0]!.split('.')[1]!)

describe('resources become writes', () => {
  test('nothing asked for is nothing written', () => {
    for (const layout of [v1, v2]) assert.deepEqual(lines(layout, { memory: { limit: 0, swap: 0 }, cpu: { shares: 0, quota: 0 }, pids: { limit: 0 } }), [])
  })

  test('memory and swap: v1 holds their sum, v2 the swap alone', () => {
    const resources = { memory: { limit: 64, swap: 100, reservation: 10 } }
    assert.deepEqual(lines(v1, resources), ['memory.limit_in_bytes=64', 'memory.memsw.limit_in_bytes=100', 'memory.soft_limit_in_bytes=10'])
    assert.deepEqual(lines(v2, resources), ['memory.max=64', 'memory.swap.max=36', 'memory.low=10'])
  })

  test('no swap, unlimited swap, unlimited memory', () => {
    assert.deepEqual(lines(v2, { memory: { limit: 64, swap: 64 } }), ['memory.max=64', 'memory.swap.max=0'])
    assert.deepEqual(lines(v2, { memory: { limit: 64, swap: -1 } }), ['memory.max=64', 'memory.swap.max=max'])
    assert.deepEqual(lines(v2, { memory: { limit: -1 } }), ['memory.max=max'])
    assert.throws(() => lines(v2, { memory: { limit: 64, swap: 63 } }), { kind: 'InvalidParameter' })
  })

  test('on v1 the limit that grows goes first, so that memory plus swap is never below memory', () => {
    assert.deepEqual(order(100, 60), ['memsw', 'limit_in_bytes'])
    assert.deepEqual(order(100, 200), ['limit_in_bytes', 'memsw'])
    assert.deepEqual(order(-1, 200), ['memsw', 'limit_in_bytes'])
    assert.deepEqual(order(100), ['limit_in_bytes', 'memsw'])
  })

  test('processor time', () => {
    const resources = { cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0-1', mems: '0' } }
    assert.deepEqual(lines(v1, resources), ['cpu.shares=512', 'cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=50000', 'cpuset.cpus=0-1', 'cpuset.mems=0'])
    assert.deepEqual(lines(v2, resources), ['cpu.weight=20', 'cpu.max=50000 100000', 'cpuset.cpus=0-1', 'cpuset.mems=0'])
    assert.deepEqual(lines(v2, { cpu: { quota: -1, period: 100_000 } }), ['cpu.max=max 100000'])
  })

  test('shares keep their order as weights, within the bounds of the kernel', () => {
    assert.deepEqual([2, 1024, 262_144, 1, 1_000_000].map(weightOfShares), [1, 39, 10_000, 1, 10_000])
  })

  test('processes, and none at all', () => {
    for (const layout of [v1, v2]) {
      assert.deepEqual(lines(layout, { pids: { limit: 10 } }), ['pids.max=10'])
      assert.deepEqual(lines(layout, { pids: { limit: -1 } }), ['pids.max=max'])
    }
  })

  test('block devices', () => {
    const resources = { blockIO: { weight: 300, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] } }
    assert.deepEqual(lines(v1, resources), ['blkio.bfq.weight=300', 'blkio.throttle.read_bps_device=8:0 1000'])
    assert.deepEqual(lines(v2, resources), ['io.bfq.weight=300', 'io.max=8:0 rbps=1000'])
  })

  test('a limit on a controller that the host lacks is refused by name', () => {
    const hugepages = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }
    for (const layout of [v1, v2]) assert.throws(() => lines(layout, hugepages), { kind: 'InvalidParameter', message: /this host has no hugetlb cgroup controller/ })
    assert.throws(() => lines(v1, { unified: { 'memory.high': '1' } }), /this host uses cgroup v1/)
    assert.throws(() => lines(v2, { unified: { '../x.y': '1' } }), { kind: 'InvalidParameter' })
  })

  test('device rules: everything allowed writes nothing; a denial brings the devices that every container needs', () => {
    assert.deepEqual(deviceRules([{ allow: true, access: 'rwm' }]), [])
    const writes = deviceWritesV1(v1, deviceRules([{ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }]))
    assert.deepEqual(writes.slice(0, 4).map(({ file, value }) => `${file} ${value}`), ['devices.deny a *:* rwm', 'devices.allow c 1:3 rwm', 'devices.allow c *:* m', 'devices.allow b *:* m'])
    assert.equal(writes.filter(({ value }) => value === 'c 1:3 rwm').length, 1)
    assert.ok(writes.some(({ value }) => value === 'c 136:* rwm'))
  })
})
