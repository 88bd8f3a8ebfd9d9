import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionsOf } from './harness/events.ts'
import { eventually } from './harness/eventually.ts'
import { read } from './harness/processes.ts'
import { engineUnderTest, tiny, throughEachClient, type Stage } from './harness/stories.ts'

interface Health {
  Status: string
  FailingStreak: number
  Log: { Start: string; End: string; ExitCode: number; Output: string }[]
}

const quick = ['--health-interval', '200ms', '--health-timeout', '5s']

throughEachClient('health', (stage) => {
  const health = async (id: string): Promise<Health> => JSON.parse(await stage.ok('inspect', '-f', '{{json .State.Health}}', id)) as Health
  const becomes = (id: string, status: string) => eventually(async () => assert.equal((await health(id)).Status, status))

  void test('a container is starting, unhealthy after its retries, healthy again, and ps, filters and events say so', async () => {
    await using container = await stage.container(...quick, '--health-retries', '2', '--health-cmd', 'echo looked; test -e /tmp/ok', tiny, 'sleep', '99')
    assert.equal((await health(container.id)).Status, 'starting')
    await becomes(container.id, 'unhealthy')
    assert.ok((await health(container.id)).FailingStreak >= 2)
    assert.match(await stage.ok('ps', '--format', '{{.Status}}', '-f', `id=${container.id}`), /^Up .* \(unhealthy\)$/)
    await stage.ok('exec', container.id, 'touch', '/tmp/ok')
    await becomes(container.id, 'healthy')
    assert.equal(await stage.ok('ps', '-q', '--no-trunc', '-f', 'health=healthy'), container.id)
    assert.equal(await stage.ok('ps', '-q', '-f', 'health=unhealthy'), '')
    await eventually(async () => assert.equal((await health(container.id)).Log.length, 5))
    const { Log, FailingStreak } = await health(container.id)
    assert.equal(FailingStreak, 0)
    assert.deepEqual([Log.at(-1)?.ExitCode, Log.at(-1)?.Output], [0, 'looked\n'])
    assert.ok(Date.parse(Log.at(-1)?.Start ?? '') <= Date.parse(Log.at(-1)?.End ?? ''))
    await stage.ok('stop', '-t', '0', container.id)
    assert.equal((await health(container.id)).Status, 'unhealthy')
    const seen = await actionsOf(stage.engine, container.id)
    assert.deepEqual(seen.filter((action) => action.startsWith('health_status')), ['health_status: unhealthy', 'health_status: healthy'])
    for (const action of ['exec_create', 'exec_start']) assert.ok(seen.includes(`${action}: /bin/sh -c echo looked; test -e /tmp/ok`), action)
    assert.ok(seen.includes('exec_die'))
    const count = seen.filter((action) => action === 'exec_die').length
    await new Promise((resolve) => setTimeout(resolve, 400))
    assert.equal((await actionsOf(stage.engine, container.id)).filter((action) => action === 'exec_die').length, count, 'a stopped container is not probed')
  })

  void test('HEALTHCHECK of the image holds, flags replace a part of it, and --no-healthcheck all of it', async () => {
    await stage.ok('create', '--name', 'model', '--health-cmd', 'true', '--health-interval', '150ms', '--health-retries', '1', tiny, 'sleep', '99')
    await stage.ok('commit', 'model', 'checked')
    await stage.ok('rm', 'model')
    await using whole = await stage.container('checked', '/bin/busybox', 'sleep', '99')
    await becomes(whole.id, 'healthy')
    await using part = await stage.container('--health-cmd', 'exit 3', 'checked', '/bin/busybox', 'sleep', '99')
    await becomes(part.id, 'unhealthy')
    assert.deepEqual(JSON.parse(await stage.ok('inspect', '-f', '{{json .Config.Healthcheck}}', part.id)), { Test: ['CMD-SHELL', 'exit 3'], Interval: 150_000_000, Retries: 1 })
    assert.equal((await health(part.id)).Log[0]?.ExitCode, 3)
    await using none = await stage.container('--no-healthcheck', 'checked', '/bin/busybox', 'sleep', '99')
    assert.equal(await stage.ok('inspect', '-f', '{{json .State.Health}}', none.id), 'null')
    assert.equal(await stage.ok('ps', '-q', '--no-trunc', '-f', 'health=none', '-f', `id=${none.id}`), none.id)
    const { code, stderr } = await stage.docker('run', '--no-healthcheck', '--health-cmd', 'true', 'checked')
    assert.deepEqual([code, /--no-healthcheck conflicts with --health-\* options/.test(stderr)], [125, true])
  })

  void test('a probe that takes too long is killed, and one that says too much is cut', async () => {
    await using container = await stage.container('--health-interval', '100ms', '--health-timeout', '300ms', '--health-retries', '1', '--health-cmd', 'echo begun; exec sleep 77', tiny, 'sleep', '99')
    await becomes(container.id, 'unhealthy')
    const [first] = (await health(container.id)).Log
    assert.equal(first?.ExitCode, -1)
    assert.equal(first?.Output, 'Health check exceeded timeout (300ms): begun\n')
    await eventually(async () => assert.ok((await stage.ok('top', container.id)).split('\n').filter((line) => line.includes('sleep 77')).length <= 1, 'they do not pile up'))
    // With all that it has begun: what a killed shell waits for does not pile up in the container either. Docker kills the shell alone.
    if (engineUnderTest === 'gantryd') {
      await using late = await stage.container('--health-interval', '100ms', '--health-timeout', '300ms', '--health-retries', '3', '--health-cmd', 'sleep 78 & sleep 79; true', tiny, 'sleep', '99')
      await becomes(late.id, 'unhealthy')
      await eventually(async () => assert.ok((await stage.ok('top', late.id)).split('\n').filter((line) => /sleep 7[89]$/.test(line)).length <= 2))
    }
    await using loud = await stage.container(...quick, '--health-cmd', 'yes | head -c 9999', tiny, 'sleep', '99')
    await becomes(loud.id, 'healthy')
    assert.equal((await health(loud.id)).Log[0]?.Output, `${'y\n'.repeat(2048)}...`)
  })

  void test('failures while it starts up do not count, and then it is asked more often', async () => {
    await using container = await stage.container('--health-interval', '60s', '--health-start-period', '60s', '--health-start-interval', '150ms', '--health-retries', '1', '--health-cmd', 'test -e /tmp/up', tiny, 'sleep', '99')
    await eventually(async () => assert.ok((await health(container.id)).Log.length >= 3))
    const { Status, FailingStreak } = await health(container.id)
    assert.deepEqual([Status, FailingStreak], ['starting', 0])
    await stage.ok('exec', container.id, 'touch', '/tmp/up')
    await becomes(container.id, 'healthy')
  })

  void test('a paused container is not probed, and an engine that was killed goes on where it was', async () => {
    await using container = await stage.container(...quick, '--health-cmd', 'true', tiny, 'sleep', '99')
    await becomes(container.id, 'healthy')
    await stage.ok('pause', container.id)
    const before = (await health(container.id)).Log.at(-1)?.End
    await new Promise((resolve) => setTimeout(resolve, 600))
    assert.equal((await health(container.id)).Log.at(-1)?.End, before)
    await stage.ok('unpause', container.id)
    await eventually(async () => assert.notEqual((await health(container.id)).Log.at(-1)?.End, before))
    await stage.engine.kill9()
    await stage.engine.start()
    const kept = await health(container.id)
    assert.equal(kept.Status, 'healthy')
    await eventually(async () => assert.notEqual((await health(container.id)).Log.at(-1)?.End, kept.Log.at(-1)?.End))
  })

  void test('a probe without a shell says why, and bad values are refused with the words of Docker', async () => {
    await using container = await stage.container(...quick, '--health-retries', '1', '--health-cmd', 'true', tiny, 'sh', '-c', 'rm /bin/sh; sleep 99')
    await becomes(container.id, 'unhealthy')
    const first = (await health(container.id)).Log.at(-1)
    assert.equal(first?.ExitCode, -1)
    assert.match(first?.Output ?? '', /^OCI runtime exec failed: exec failed: unable to start container process: .*\/bin\/sh.*: unknown$/)
    for (const [field, value, text] of [['Interval', 999_999, 'Interval in Healthcheck cannot be less than 1ms'], ['StartPeriod', -1, 'StartPeriod in Healthcheck cannot be less than 1ms'], ['Retries', -1, 'Retries in Healthcheck cannot be negative']] as const) {
      const answer = await stage.engine.api({ method: 'POST', path: '/containers/create', body: JSON.stringify({ Image: tiny, Healthcheck: { Test: ['CMD', 'true'], [field]: value } }) })
      assert.deepEqual([answer.status, JSON.parse(answer.text).message], [400, text])
    }
  })

  void test('ten probes a second cost the engine little', { skip: engineUnderTest !== 'gantryd' && 'the budget is ours' }, async () => {
    const ids: string[] = []
    for (let each = 0; each < 5; each++) ids.push(await stage.ok('run', '-d', '--health-interval', '500ms', '--health-cmd', 'true', tiny, 'sleep', '99'))
    const before = processorTicks(stage)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    // Ticks are hundredths of a second: 30 probes.
    const used = processorTicks(stage) - before
    assert.ok(used < 90, `30 probes took ${used * 10} ms of the engine`)
    await stage.ok('rm', '-f', ...ids)
  })
})

function processorTicks({ engine }: Stage): number {
  const fields = read(`/proc/${engine.pid()}/stat`).replace(/^.*\) /, '').split(' ')
  return Number(fields[11]) + Number(fields[12])
}
