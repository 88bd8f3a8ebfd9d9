import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { CgroupLayout } from '../../../../src/kernel/cgroup/layout.ts'
import { updateResources } from '../../../../src/kernel/cgroup/update.ts'
import { readUsage } from '../../../../src/kernel/cgroup/usage.ts'

const v1Controllers = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'cpuset']

function tree(test: TestContext, version: 1 | 2, files: Record<string, string>): CgroupLayout {
  const root = mkdtempSync(join(tmpdir(), 'gantry-usage-'))
  test.after(() => rmSync(root, { recursive: true }))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  if (version === 2) {
    return { mode: 'v2', root, hierarchies: [{ version: 2, name: '', mountpoint: root, controllers: ['cpu', 'memory', 'pids', 'io', 'cpuset'] }] }
  }
  return { mode: 'v1', root, hierarchies: v1Controllers.map((name) => ({ version: 1, name, mountpoint: join(root, name), controllers: [name] })) }
}

void test('v1 counters come from the files of each controller', (t) => {
  const layout = tree(t, 1, {
    'cpuacct/c/cpuacct.usage': '123456789\n',
    'cpuacct/c/cpuacct.usage_percpu': '100000000 23456789 \n',
    'cpuacct/c/cpuacct.stat': 'user 7\nsystem 3\n',
    'cpu/c/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 5000\n',
    'memory/c/memory.usage_in_bytes': '8192\n',
    'memory/c/memory.max_usage_in_bytes': '16384\n',
    'memory/c/memory.limit_in_bytes': '9223372036854771712\n',
    'memory/c/memory.failcnt': '2\n',
    'memory/c/memory.stat': 'cache 1\nhierarchical_memory_limit 9223372036854771712\n',
    'pids/c/pids.current': '3\n',
    'pids/c/pids.max': 'max\n',
    'blkio/c/blkio.throttle.io_service_bytes_recursive': '8:16 Read 4096\n8:16 Write 0\n8:16 Total 4096\nTotal 4096\n',
    'blkio/c/blkio.throttle.io_serviced_recursive': 'Total 0\n',
  })
  assert.deepEqual(readUsage(layout, '/c'), {
    version: 1,
    cpu: { total: 123456789, user: 70_000_000, kernel: 30_000_000, perProcessor: [100000000, 23456789], periods: 10, throttledPeriods: 4, throttled: 5000 },
    memory: { current: 8192, limit: undefined, highest: 16384, failures: 2, stat: { cache: 1, hierarchical_memory_limit: 9223372036854771712n } },
    pids: { current: 3, limit: undefined },
    blockIo: {
      bytes: [
        { major: 8, minor: 16, operation: 'read', value: 4096 },
        { major: 8, minor: 16, operation: 'write', value: 0 },
        { major: 8, minor: 16, operation: 'total', value: 4096 },
      ],
      operations: [],
    },
  })
})

void test('v2 counters come from the one tree, in microseconds where v1 has nanoseconds', (t) => {
  const layout = tree(t, 2, {
    'c/cpu.stat': 'usage_usec 123\nuser_usec 100\nsystem_usec 23\nnr_periods 9\nnr_throttled 1\nthrottled_usec 7\n',
    'c/memory.current': '8192\n',
    'c/memory.max': '67108864\n',
    'c/memory.events': 'low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\n',
    'c/memory.stat': 'anon 4096\ninactive_file 1024\n',
    'c/pids.current': '2\n',
    'c/pids.max': '40\n',
    'c/io.stat': '8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n7:0 \n',
  })
  assert.deepEqual(readUsage(layout, '/c'), {
    version: 2,
    cpu: { total: 123_000, user: 100_000, kernel: 23_000, perProcessor: [], periods: 9, throttledPeriods: 1, throttled: 7000 },
    memory: { current: 8192, limit: 67108864, highest: undefined, failures: 2, stat: { anon: 4096, inactive_file: 1024 } },
    pids: { current: 2, limit: 40 },
    blockIo: {
      bytes: [{ major: 8, minor: 0, operation: 'read', value: 4096 }, { major: 8, minor: 0, operation: 'write', value: 512 }],
      operations: [{ major: 8, minor: 0, operation: 'read', value: 2 }, { major: 8, minor: 0, operation: 'write', value: 1 }],
    },
  })
})

void test('a cgroup that is gone has used nothing', (t) => {
  for (const version of [1, 2] as const) {
    const { cpu, memory, pids } = readUsage(tree(t, version, {}), '/gone')
    assert.deepEqual([cpu.total, memory.current, memory.stat, pids.current], [0, 0, {}, 0])
  }
})

void test('a refused limit puts those before it back', (t) => {
  const layout = tree(t, 2, { 'c/memory.max': 'max\n', 'c/memory.swap.max': 'max\n', 'c/pids.max/nothing': '' })
  assert.throws(() => updateResources(layout, '/c', { memory: { limit: 4096, swap: 8192 }, pids: { limit: 5 } }), /cannot write 5 to pids\.max: EISDIR/)
  assert.deepEqual([readText(layout, 'memory.max'), readText(layout, 'memory.swap.max')], ['max', 'max'])
})

function readText(layout: CgroupLayout, file: string): string {
  return readFileSync(join(layout.root, 'c', file), 'utf8')
}
