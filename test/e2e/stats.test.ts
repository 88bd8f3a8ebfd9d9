import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cgroupOf, cgroupValue, cpuUsage, unified } from './harness/cgroup.ts'
import { eventually } from './harness/eventually.ts'
import { read } from './harness/processes.ts'
import { engineUnderTest, tiny, tools, throughEachClient, type Stage } from './harness/stories.ts'

const MiB = 1024 * 1024

/** Bytes in use as the kernel counts them, without the page cache that it gives up first. */
function memoryInUse(pid: number): number {
  const directory = cgroupOf(pid, 'memory')
  const stat = read(`${directory}/memory.stat`)
  if (unified) return Number(read(`${directory}/memory.current`)) - Number(/^inactive_file (\d+)/m.exec(stat)?.[1])
  return Number(read(`${directory}/memory.usage_in_bytes`)) - Number(/^total_inactive_file (\d+)/m.exec(stat)?.[1])
}

interface Frame {
  name: string
  id: string
  read: string
  preread: string
  pids_stats: { current?: number }
  cpu_stats: { cpu_usage: { total_usage: number }; system_cpu_usage?: number; online_cpus?: number; throttling_data: { throttled_periods: number } }
  precpu_stats: { cpu_usage: { total_usage: number }; system_cpu_usage?: number }
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> }
  networks?: Record<string, { rx_bytes: number; tx_bytes: number; tx_packets: number }>
}

async function frame(stage: Stage, ref: string, query: string): Promise<Frame> {
  const { status, text } = await stage.engine.api({ path: `/containers/${ref}/stats?${query}` })
  assert.equal(status, 200, text)
  return JSON.parse(text) as Frame
}

throughEachClient('stats', (stage) => {
  void test('processes, memory and limit are the kernel\'s', async () => {
    await using container = await stage.container('-m', '256m', tools, 'sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=32 2>/dev/null; sleep 99 & sleep 98 & wait')
    await eventually(() => assert.equal(cgroupValue(container.pid, 'pids.current'), '3'))
    const shown = await stage.ok('stats', '--no-stream', '--format', '{{.PIDs}}|{{.MemUsage}}|{{.Container}}|{{.Name}}', container.id)
    const [pids, memory, asked, name] = shown.split('|')
    assert.equal(pids, '3')
    assert.equal(asked, container.id)
    assert.equal(`/${name}`, await container.inspect('{{.Name}}'))
    assert.match(memory ?? '', / \/ 256MiB$/)
    const { memory_stats } = await frame(stage, container.id, 'stream=false&one-shot=true')
    const expected = memoryInUse(container.pid)
    assert.ok(expected > 32 * MiB)
    const told = (memory_stats.usage ?? 0) - (memory_stats.stats?.[unified ? 'inactive_file' : 'total_inactive_file'] ?? 0)
    assert.ok(Math.abs(told - expected) <= expected * 0.01, `${told} is not within 1 % of ${expected}`)
    assert.equal(memory_stats.limit, 256 * MiB)
  })

  void test('the share of the processor is what the quota leaves', async () => {
    await using container = await stage.container('--cpus', '.25', tiny, 'sh', '-c', 'while :; do :; done')
    await sleep(300)
    const before = cpuUsage(container.pid).usedMicroseconds
    const start = performance.now()
    const percent = Number((await stage.ok('stats', '--no-stream', '--format', '{{.CPUPerc}}', container.id)).replace('%', ''))
    const measured = ((cpuUsage(container.pid).usedMicroseconds - before) / (performance.now() - start) / 1000) * 100
    assert.ok(percent > 5 && percent < 40, `${percent} %`)
    assert.ok(Math.abs(percent - measured) < 12, `stats says ${percent} %, the kernel ${measured.toFixed(1)} %`)
    const { cpu_stats } = await frame(stage, container.id, 'stream=false&one-shot=true')
    assert.ok(cpu_stats.throttling_data.throttled_periods > 0)
  })

  void test('a single frame comes with the one before, one-shot without', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const single = await frame(stage, container.id, 'stream=false')
    const apart = Date.parse(single.read) - Date.parse(single.preread)
    assert.ok(apart > (engineUnderTest === 'gantryd' ? 200 : 800) && apart < 3000, `${apart} ms`)
    assert.ok((single.cpu_stats.system_cpu_usage ?? 0) > (single.precpu_stats.system_cpu_usage ?? 0))
    const started = performance.now()
    const oneShot = await frame(stage, container.id, 'stream=false&one-shot=true')
    // The original reads when its collector does.
    if (engineUnderTest === 'gantryd') assert.ok(performance.now() - started < 700)
    assert.deepEqual([oneShot.preread, oneShot.precpu_stats.cpu_usage.total_usage], ['0001-01-01T00:00:00Z', 0])
    assert.equal((await stage.engine.api({ path: `/containers/${container.id}/stats?one-shot=1` })).status, 400)
    assert.equal((await stage.engine.api({ path: '/containers/nobody/stats?stream=0' })).status, 404)
  })

  void test('traffic is that of the container\'s own interfaces', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'ping -c 3 -i 0.2 "$(ip route | sed -n "s/default via \\([0-9.]*\\).*/\\1/p")" >/dev/null; sleep 99')
    await eventually(async () => {
      const { networks = {} } = await frame(stage, container.id, 'stream=false&one-shot=true')
      assert.deepEqual(Object.keys(networks), ['eth0'])
      const line = /eth0:(.*)/.exec(read(`/proc/${container.pid}/net/dev`))?.[1]?.trim().split(/\s+/).map(Number) ?? []
      assert.ok((networks['eth0']?.tx_packets ?? 0) >= 3)
      assert.equal(networks['eth0']?.tx_bytes, line[8])
    })
    await using lonely = await stage.container('--network', 'none', tiny, 'sleep', '99')
    assert.equal((await frame(stage, lonely.id, 'stream=false&one-shot=true')).networks, undefined)
    await using shared = await stage.container('--network', 'host', tiny, 'sleep', '99')
    assert.equal((await frame(stage, shared.id, 'stream=false&one-shot=true')).networks, undefined)
  })

  void test('a stopped container has zeros', async () => {
    const id = await stage.ok('create', '--name', 'still', tiny, 'true')
    const zeros = await frame(stage, id, 'stream=false')
    assert.deepEqual([zeros.name, zeros.id, zeros.read, zeros.pids_stats, zeros.memory_stats], ['/still', id, '0001-01-01T00:00:00Z', {}, {}])
    const shown = await stage.ok('stats', '--no-stream', '--no-trunc', '-a', '--format', '{{.ID}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}')
    assert.equal(shown.split('\n').find((line) => line.startsWith(id)), `${id} 0.00% 0B / 0B 0`)
    await stage.ok('rm', id)
  })

  void test('the table has docker\'s columns and no stopped containers', async () => {
    await using container = await stage.container('--name', 'seen', tiny, 'sleep', '99')
    await stage.ok('create', '--name', 'unseen', tiny, 'true')
    const [head, ...rows] = (await stage.ok('stats', '--no-stream')).split('\n')
    assert.match(head ?? '', /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/)
    assert.deepEqual(rows.map((row) => row.split(/ +/).slice(0, 2)), [[container.id.slice(0, 12), 'seen']])
    await stage.ok('rm', 'unseen')
    const { code, stderr } = await stage.docker('stats', '--no-stream', 'nobody')
    assert.deepEqual([code, stderr.trim()], [1, 'Error response from daemon: No such container: nobody'])
  })

  void test('a stream has a frame a second for each listener, and ends with the container', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const listen = async (): Promise<{ count: () => number; ended: Promise<void>; leave: () => void }> => {
      const call = http.get({ socketPath: stage.engine.socket, path: `/containers/${container.id}/stats`, agent: false })
      const [response] = (await once(call, 'response')) as [http.IncomingMessage]
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('error', () => {})
      call.on('error', () => {})
      return { count: () => text.split('\n').length - 1, ended: new Promise((resolve) => response.on('end', resolve)), leave: () => call.destroy() }
    }
    const [first, second] = [await listen(), await listen()]
    await eventually(() => assert.ok(first.count() >= 3 && second.count() >= 3), 6000)
    second.leave()
    const seen = first.count()
    await eventually(() => assert.ok(first.count() > seen), 3000)
    await stage.ok('rm', '-f', container.id)
    await first.ended
  })

  void test('the display follows containers that come and go', async () => {
    await using first = await stage.container('--name', 'early', tiny, 'sleep', '99')
    const child = spawn(stage.program, ['stats', '--format', '{{.Name}}'], { env: stage.env, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const screen = (): string => text.split('\u001B[H').findLast((part) => part.includes('\n')) ?? ''
    try {
      await eventually(() => assert.match(screen(), /early/))
      await using late = await stage.container('--name', 'late', tiny, 'sleep', '99')
      await eventually(() => assert.match(screen(), /late/))
      await stage.ok('rm', '-f', late.id)
      await eventually(() => assert.doesNotMatch(screen(), /late/))
      await eventually(() => assert.match(screen(), /early/))
    } finally {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    assert.ok(first.id)
  })
})
