import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, double, property } from 'fast-check'
import { initialState } from '../../../../src/engine/containers/container.ts'
import { humanDuration } from '../../../../src/engine/containers/duration.ts'
import { generateName } from '../../../../src/engine/containers/names.ts'
import { checkPsArguments, parsePs } from '../../../../src/engine/containers/parse-ps.ts'
import { nextDelay, shouldRestart } from '../../../../src/engine/containers/restart-policy.ts'
import { statusText } from '../../../../src/engine/containers/status-text.ts'
import { rfc3339Nano } from '../../../../src/engine/containers/timestamp.ts'

test('durations are said as Docker says them', () => {
  const hour = 3_600_000
  const said = [0, 1000, 59_000, 60_000, 119_000, 120_000, 50 * 60_000, hour, 1.6 * hour, 47 * hour, 48 * hour, 13 * 24 * hour, 14 * 24 * hour, 61 * 24 * hour, 800 * 24 * hour].map(humanDuration)
  assert.deepEqual(said, [
    'Less than a second', '1 second', '59 seconds', 'About a minute', 'About a minute', '2 minutes', '50 minutes', 'About an hour', '2 hours', '47 hours', '2 days', '13 days', '2 weeks', '2 months', '2 years',
  ])
})

test('the status column tells the state and its age', () => {
  const at = Date.parse('2026-01-01T00:00:10Z')
  const running = { ...initialState(), Running: true, StartedAt: '2026-01-01T00:00:00Z' }
  const ended = { ...initialState(), StartedAt: '2026-01-01T00:00:00Z', FinishedAt: '2026-01-01T00:00:08Z', ExitCode: 3 }
  assert.equal(statusText(initialState(), at), 'Created')
  assert.equal(statusText(running, at), 'Up 10 seconds')
  assert.equal(statusText({ ...running, Paused: true }, at), 'Up 10 seconds (Paused)')
  assert.equal(statusText(ended, at), 'Exited (3) 2 seconds ago')
  assert.equal(statusText({ ...ended, Running: true, Restarting: true }, at), 'Restarting (3) 2 seconds ago')
  assert.equal(statusText({ ...ended, Dead: true }, at), 'Dead')
})

test('names are an adjective and a surname and never one in use', () => {
  assert.match(generateName(() => false, 'f'.repeat(64)), /^[a-z]+_[a-z]+$/)
  assert.equal(generateName(() => true, 'f'.repeat(64)), 'f'.repeat(12))
  const used = new Set<string>()
  for (let i = 0; i < 500; i += 1) used.add(generateName((name) => used.has(name), String(i).padStart(64, '0')))
  assert.equal(used.size, 500)
})

test('ps output is cut down to the container\'s processes, threads included', () => {
  const output = 'UID   PID COMMAND\nroot  7 sh -c  x  y\nroot  - -\nroot  8 other\nroot  - -\n'
  assert.deepEqual(parsePs(output, new Set([7])), { Titles: ['UID', 'PID', 'COMMAND'], Processes: [['root', '7', 'sh -c x y'], ['root', '-', '-']] })
  assert.throws(() => parsePs('UID COMMAND\n', new Set()), { message: "Couldn't find PID field in ps output" })
  assert.throws(() => checkPsArguments('-o pid,user -o user=PID'), { kind: 'InvalidParameter' })
  checkPsArguments('-o pid=PID')
})

test('the delay between restarts doubles up to a minute and begins anew after a healthy run', () => {
  const delays: number[] = [0]
  for (let i = 0; i < 12; i += 1) delays.push(nextDelay(delays.at(-1) as number, 50))
  assert.deepEqual(delays.slice(1), [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000])
  assert.equal(nextDelay(60_000, 10_000), 100)
})

function restartable(Name: 'no' | 'always' | 'on-failure' | 'unless-stopped', more = {}): Parameters<typeof shouldRestart>[0] {
  return { hostConfig: { RestartPolicy: { Name, MaximumRetryCount: 2 } }, restartCount: 0, hasBeenManuallyStopped: false, ...more }
}

test('restart policies decide by exit code, count and the user\'s will', () => {
  assert.equal(shouldRestart(restartable('no'), 1), false)
  assert.equal(shouldRestart(restartable('on-failure'), 0), false)
  assert.equal(shouldRestart(restartable('on-failure'), 1), true)
  assert.equal(shouldRestart(restartable('on-failure', { restartCount: 2 }), 1), false)
  assert.equal(shouldRestart(restartable('always'), 0), true)
  assert.equal(shouldRestart(restartable('unless-stopped', { hasBeenManuallyStopped: true }), 0), false)
})

test('times keep their order and their milliseconds', () => {
  assert.equal(rfc3339Nano(Date.parse('2026-01-02T03:04:05Z')), '2026-01-02T03:04:05Z')
  assert.equal(rfc3339Nano(Date.parse('2026-01-02T03:04:05Z') + 120.5), '2026-01-02T03:04:05.1205Z')
  check(property(double({ min: 0, max: 4e12, noNaN: true }), (at) => Date.parse(rfc3339Nano(at)) === Math.floor(at)))
})
