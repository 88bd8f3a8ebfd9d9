import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cgroupDirectory, detectLayout, hierarchyOf } from '../../../../src/kernel/cgroup/layout.ts'

const row = (path: string, type: string, options: string): string => `31 30 0:9 / ${path} rw,nosuid shared:5 - ${type} ${type} rw,${options}`

describe('the cgroup layout', () => {
  test('is v2 when one cgroup2 tree is all there is', () => {
    const layout = detectLayout(row('/sys/fs/cgroup', 'cgroup2', 'nsdelegate'), () => ['cpu', 'memory'])
    assert.deepEqual(layout, { mode: 'v2', root: '/sys/fs/cgroup', hierarchies: [{ version: 2, name: '', mountpoint: '/sys/fs/cgroup', controllers: ['cpu', 'memory'] }] })
  })

  test('is v1 with controllers that share a tree, and named trees', () => {
    const text = [row('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'), row('/sys/fs/cgroup/systemd', 'cgroup', 'xattr,release_agent=/lib/x,name=systemd')].join('\n')
    const layout = detectLayout(text)
    assert.equal(layout.mode, 'v1')
    assert.equal(layout.root, '/sys/fs/cgroup')
    assert.deepEqual(hierarchyOf(layout, 'cpuacct')?.name, 'cpu,cpuacct')
    assert.deepEqual(layout.hierarchies[1]?.controllers, ['name=systemd'])
  })

  test('is hybrid when a cgroup2 tree stands beside v1 trees', () => {
    const layout = detectLayout([row('/sys/fs/cgroup/memory', 'cgroup', 'memory'), row('/sys/fs/cgroup/unified', 'cgroup2', '')].join('\n'), () => [])
    assert.equal(layout.mode, 'hybrid')
    assert.deepEqual(layout.hierarchies.map(({ name }) => name), ['memory', 'unified'])
  })

  test('counts a tree once that is mounted twice', () => {
    const layout = detectLayout([row('/sys/fs/cgroup/memory', 'cgroup', 'memory'), row('/mnt/memory', 'cgroup', 'memory')].join('\n'))
    assert.deepEqual(layout.hierarchies.map(({ mountpoint }) => mountpoint), ['/sys/fs/cgroup/memory'])
  })

  test('reads escaped mount points', () => {
    assert.equal(detectLayout(row('/a\\040b/memory', 'cgroup', 'memory')).hierarchies[0]?.mountpoint, '/a b/memory')
  })

  test('is an error without any tree', () => {
    assert.throws(() => detectLayout('22 27 0:21 / /proc rw - proc proc rw\n'), { kind: 'Unavailable' })
  })

  test('keeps paths inside the trees', () => {
    const hierarchy = { version: 1 as const, name: 'memory', mountpoint: '/m', controllers: ['memory'] }
    assert.equal(cgroupDirectory(hierarchy, 'docker//x/'), '/m/docker/x')
    for (const path of ['', '/', '/a/../../b', '/a/./b', '/a\0b']) assert.throws(() => cgroupDirectory(hierarchy, path), { kind: 'InvalidParameter' }, path)
  })
})
