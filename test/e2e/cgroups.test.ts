import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cgroupFile, cgroupOf, cgroupValue, cpuMax, cpuUsage, unified } from './harness/cgroup.ts'
import { eventually } from './harness/eventually.ts'
import { read } from './harness/processes.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'

const MiB = 1024 * 1024
const unlimited = unified ? 'max' : '9223372036854771712'
const defaultWeight = unified ? '100' : '1024'

const limits = (pid: number) => [cpuMax(pid), cgroupValue(pid, 'memory.max')]

throughEachClient('cgroups', (stage) => {
  void test('every process of a container is in one cgroup, named after it', async () => {
    await using container = await stage.container(tools, 'sh', '-c', 'sleep 99 & sleep 99')
    const pids = (await stage.ok('top', container.id, '-o', 'pid')).split('\n').slice(1).map(Number)
    assert.ok(pids.length >= 2, `top shows ${pids.length} processes`)
    const groups = new Set(pids.map((pid) => cgroupOf(pid, 'memory')))
    assert.equal(groups.size, 1)
    assert.ok([...groups][0]?.includes(container.id))
  })

  void test('run -d prints the long id, which is a directory of the cgroup tree', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.match(container.id, /^[0-9a-f]{64}$/)
    assert.ok(existsSync(cgroupOf(container.pid, 'memory')))
  })

  void test('-m sets the memory limit that the container itself reads', async () => {
    const file = unified ? '/sys/fs/cgroup/memory.max' : '/sys/fs/cgroup/memory/memory.limit_in_bytes'
    assert.equal(await stage.ok('run', '--rm', '-m', '64m', tiny, 'cat', file), String(64 * MiB))
  })

  void test('without limits the kernel knows none', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.equal(cgroupValue(container.pid, 'memory.max'), unlimited)
    assert.equal(cpuMax(container.pid), 'max 100000')
    assert.equal(cgroupValue(container.pid, 'cpu.weight'), defaultWeight)
  })

  void test('a process that allocates beyond its limit is killed, and inspect says so', async () => {
    const { code } = await stage.docker('run', '--name', 'oom', '-m', '64m', '--memory-swap', '64m', tiny, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1')
    assert.equal(code, 137)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'oom'), 'true 137')
    await stage.ok('rm', 'oom')
  })

  void test('--memory-swap equal to the memory leaves no swap', async () => {
    await using container = await stage.container('-m', '64m', '--memory-swap', '64m', tiny, 'sleep', '99')
    // v1 counts memory and swap together.
    assert.equal(cgroupValue(container.pid, 'memory.swap.max'), unified ? '0' : String(64 * MiB))
  })

  void test('--cpus .5 is half a processor, by quota and by measure', async () => {
    await using container = await stage.container('--cpus', '.5', tiny, 'sh', '-c', 'while :; do :; done')
    assert.equal(cpuMax(container.pid), '50000 100000')
    // Never more than half; a machine with too much other work to do may give less.
    const atLeast = (loadavg()[0] ?? 0) > availableParallelism() ? 0.1 : 0.4
    await eventually(async () => {
      const before = cpuUsage(container.pid)
      const start = performance.now()
      await sleep(4000)
      const elapsed = (performance.now() - start) * 1000
      const after = cpuUsage(container.pid)
      const share = (after.usedMicroseconds - before.usedMicroseconds) / elapsed
      assert.ok(share > atLeast && share < 0.53, `it used ${share.toFixed(3)} of a processor`)
      assert.ok(after.throttled > before.throttled)
    }, 30_000)
  })

  void test('--pids-limit stops a fork bomb', async () => {
    await using container = await stage.container('--pids-limit', '8', tiny, 'sleep', '99')
    assert.equal(cgroupValue(container.pid, 'pids.max'), '8')
    const { stderr } = await stage.docker('exec', container.id, 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done')
    assert.match(stderr, /can't fork|Resource temporarily unavailable/)
  })

  void test('-c gives a weight, which start sets again after stop', async () => {
    await using container = await stage.container('-c', '512', tiny, 'sleep', '99')
    const weight = cgroupValue(container.pid, 'cpu.weight')
    // v2: 1 + (shares - 2) * 9999 / 262142
    if (unified) assert.ok(Number(weight) >= 20 && Number(weight) <= 60, weight)
    else assert.equal(weight, '512')
    await stage.ok('stop', '-t', '0', container.id)
    await stage.ok('start', container.id)
    assert.equal(cgroupValue(Number(await container.inspect('{{.State.Pid}}')), 'cpu.weight'), weight)
  })

  void test('a weight written by hand stays while the container runs, goes with stop and is the default again after start', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const file = cgroupFile(container.pid, 'cpu.weight')
    writeFileSync(file, '50')
    await stage.ok('exec', container.id, 'true')
    await stage.ok('inspect', container.id)
    await sleep(1500)
    assert.equal(read(file).trim(), '50')
    await stage.ok('stop', '-t', '0', container.id)
    await eventually(() => assert.ok(!existsSync(file)))
    await stage.ok('start', container.id)
    assert.equal(cgroupValue(Number(await container.inspect('{{.State.Pid}}')), 'cpu.weight'), defaultWeight)
  })

  void test('update changes the limits at once, and they outlast restarts of container and engine', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    await stage.ok('update', '--cpus', '1', '-m', '128m', '--memory-swap', '128m', container.id)
    const expected = ['100000 100000', String(128 * MiB)]
    assert.deepEqual(limits(container.pid), expected)
    await stage.ok('restart', '-t', '0', container.id)
    assert.deepEqual(limits(Number(await container.inspect('{{.State.Pid}}'))), expected)
    await stage.engine.kill9()
    await stage.engine.start()
    await stage.ok('restart', '-t', '0', container.id)
    assert.deepEqual(limits(Number(await container.inspect('{{.State.Pid}}'))), expected)
  })
})
