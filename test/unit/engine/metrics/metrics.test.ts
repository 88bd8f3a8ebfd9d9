import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openMetrics, type EngineMetrics } from '../../../../src/engine/metrics/engine-metrics.ts'
import { metricText } from '../../../../src/engine/metrics/metric-text.ts'
import { tellProbe, timed } from '../../../../src/engine/metrics/timed.ts'
import { GantryError } from '../../../../src/lib/errors.ts'

function metrics(t: TestContext): EngineMetrics {
  const opened = openMetrics({
    facts: async () => ({ info: { Architecture: 'x86_64', ID: 'me', Driver: 'overlay2', KernelVersion: '6.1', OperatingSystem: 'An "OS"', OSType: 'linux', OSVersion: '12', NCPU: 2, MemTotal: 1024 }, version: { Version: '1', GitCommit: 'abc' } }),
    containers: () => ({ running: 3, paused: 1, stopped: 2 }),
    events: () => ({ logged: 7, subscribers: 1 }),
  })
  t.after(() => opened.close())
  return opened
}

/** The value of a line, by what stands before it. */
async function value(of: EngineMetrics, line: string): Promise<number> {
  const found = (await of.text()).split('\n').find((each) => each.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1))
}

void test('states, events and facts are told by dockerd\'s names', async (t) => {
  const text = await metrics(t).text()
  const lines = [
    'engine_daemon_container_states_containers{state="running"} 3', 'engine_daemon_container_states_containers{state="paused"} 1',
    'engine_daemon_container_states_containers{state="stopped"} 2', 'engine_daemon_events_total 7', 'engine_daemon_events_subscribers_total 1',
    'engine_daemon_engine_cpus_cpus 2', 'engine_daemon_engine_memory_bytes 1024',
    String.raw`engine_daemon_engine_info{architecture="x86_64",commit="abc",daemon_id="me",graphdriver="overlay2",kernel="6.1",os="An \"OS\"",os_type="linux",os_version="12",version="1"} 1`,
  ]
  for (const line of lines) assert(text.split('\n').includes(line), line)
  assert.match(text, /^# TYPE engine_daemon_container_actions_seconds histogram$/m)
  assert.match(text, /^process_open_fds \d+$/m)
})

void test('an action is counted with its duration when it succeeds, and not when it fails', async (t) => {
  const opened = metrics(t)
  const count = 'engine_daemon_container_actions_seconds_count{action="create"}'
  assert.equal(await value(opened, count), 0)
  await timed('container_actions', 'create', async () => {})
  await assert.rejects(timed('container_actions', 'create', async () => Promise.reject(new Error('no'))), /no/)
  assert.equal(await value(opened, count), 1)
  assert.equal(await value(opened, 'engine_daemon_container_actions_seconds_bucket{action="create",le="+Inf"}'), 1)
  assert.equal(await value(opened, 'engine_daemon_container_actions_seconds_bucket{action="create",le="10"}'), 1)
  assert.equal(Number.isNaN(await value(opened, 'engine_daemon_network_actions_seconds_count{action="connect"}')), true)
})

void test('health checks and builds are counted, failures by their reason', async (t) => {
  const opened = metrics(t)
  tellProbe({ failed: false })
  tellProbe({ failed: true })
  assert.deepEqual([await value(opened, 'engine_daemon_health_checks_total'), await value(opened, 'engine_daemon_health_checks_failed_total')], [2, 1])
  const { signal } = new AbortController()
  await opened.builds.count(async () => {}, signal)
  const errors = [new GantryError('InvalidParameter', 'dockerfile parse error on line 1: unknown instruction: FORM'), new GantryError('InvalidParameter', 'target stage "x" could not be found')]
  for (const error of [...errors, new Error('step failed')]) await assert.rejects(opened.builds.count(() => Promise.reject(error), signal))
  await assert.rejects(opened.builds.count(() => Promise.reject(new Error('x')), AbortSignal.abort()))
  assert.equal(await value(opened, 'builder_builds_triggered_total'), 5)
  for (const reason of ['unknown_instruction_error', 'build_target_not_reachable_error', 'error_processing_commands_error', 'build_canceled']) {
    assert.equal(await value(opened, `builder_builds_failed_total{reason="${reason}"}`), 1, reason)
  }
})

void test('values that a label cannot hold as they are are escaped, and what has no samples is left out', () => {
  assert.equal(metricText([{ name: 'b', help: 'two\nlines', type: 'gauge', samples: [{ labels: { l: '\\\n"' }, value: 0.5 }] }, { name: 'a', help: '', type: 'gauge', samples: [] }]), String.raw`# HELP b two\nlines
# TYPE b gauge
b{l="\\\n\""} 0.5
`)
})
