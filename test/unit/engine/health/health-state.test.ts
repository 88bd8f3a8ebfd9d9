import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, array, integer, property, uint8Array } from 'fast-check'
import { stdcopyFrame } from '../../../../src/engine/attach/stdcopy.ts'
import { mergeHealthcheck, probeCommand, probeInterval } from '../../../../src/engine/health/health-config.ts'
import { healthAfter, healthText, startingHealth, type Health } from '../../../../src/engine/health/health-state.ts'
import { ProbeOutput } from '../../../../src/engine/health/probe-output.ts'

const startedAt = '2026-01-01T00:00:00Z'
const result = (ExitCode: number, second = 60) => ({ Start: `2026-01-01T00:01:${String(second - 60).padStart(2, '0')}Z`, End: startedAt, ExitCode, Output: '' })

function after(codes: number[], config = {}): Health {
  return codes.reduce((health, code) => healthAfter(health, result(code), { config, startedAt }), startingHealth(undefined))
}

void test('three failures in a row are unhealthy unless told otherwise, one success is healthy', () => {
  assert.equal(after([1, 1]).Status, 'starting')
  assert.deepEqual([after([1, 1, 1]).Status, after([1, 1, 1]).FailingStreak], ['unhealthy', 3])
  assert.equal(after([0, 1, 1]).Status, 'healthy')
  assert.deepEqual([after([1, 1, 1, 0]).Status, after([1, 1, 1, 0]).FailingStreak], ['healthy', 0])
  assert.equal(after([2], { Retries: 1 }).Status, 'unhealthy')
})

void test('within the start period a failure does not count, until it has been healthy once', () => {
  const config = { StartPeriod: 120e9, Retries: 1 }
  assert.deepEqual([after([1, 1, -1], config).Status, after([1, 1, -1], config).FailingStreak], ['starting', 0])
  assert.equal(after([1, 0, 1], config).Status, 'unhealthy')
  assert.equal(after([1], { StartPeriod: 59e9, Retries: 1 }).Status, 'unhealthy')
})

void test('the last five results are kept, over runs too', () => {
  const { Log } = after([9, 1, 2, 3, 4, 5])
  assert.deepEqual(Log.map(({ ExitCode }) => ExitCode), [1, 2, 3, 4, 5])
  assert.deepEqual(startingHealth({ Status: 'healthy', FailingStreak: 0, Log }), { Status: 'starting', FailingStreak: 0, Log })
  assert.deepEqual([healthText(undefined), healthText(startingHealth(undefined)), healthText(after([0]))], ['', ' (health: starting)', ' (healthy)'])
})

void test('what is run, and when', () => {
  assert.deepEqual(probeCommand({ Healthcheck: { Test: ['CMD-SHELL', 'a b'] } }), ['/bin/sh', '-c', 'a b'])
  assert.deepEqual(probeCommand({ Healthcheck: { Test: ['CMD-SHELL', 'a b'] }, Shell: ['/bin/bash', '-ec'] }), ['/bin/bash', '-ec', 'a b'])
  assert.deepEqual(probeCommand({ Healthcheck: { Test: ['CMD', 'a', 'b'] } }), ['a', 'b'])
  for (const Test of [['NONE'], ['WHAT', 'a'], []]) assert.equal(probeCommand({ Healthcheck: { Test } }), undefined)
  assert.equal(probeInterval({}, { starting: true, ranFor: 0 }), 30_000)
  assert.equal(probeInterval({ StartPeriod: 10e9 }, { starting: true, ranFor: 9999 }), 5000)
  assert.equal(probeInterval({ StartPeriod: 10e9, StartInterval: 1e6, Interval: 7e9 }, { starting: true, ranFor: 10_000 }), 7000)
  assert.equal(probeInterval({ StartPeriod: 10e9, StartInterval: 1e6, Interval: 7e9 }, { starting: false, ranFor: 1 }), 7000)
})

void test("what a request leaves unset is the image's", () => {
  const image = { Test: ['CMD', 'a'], Interval: 1e9, Retries: 2 }
  assert.deepEqual(mergeHealthcheck({ Test: [], Interval: 2e9, Retries: 0 }, image), { ...image, Interval: 2e9 })
  assert.deepEqual(mergeHealthcheck({ Test: ['NONE'] }, image), { ...image, Test: ['NONE'] })
  assert.deepEqual([mergeHealthcheck(undefined, image), mergeHealthcheck(image, null)], [image, image])
})

void test('however frames are cut, the first 4096 bytes of their payloads are the output', () => {
  check(
    property(array(uint8Array({ maxLength: 3000 }), { maxLength: 5 }), integer({ min: 1, max: 700 }), (payloads, step) => {
      const text = payloads.map((payload) => Buffer.from(payload.map((byte) => 97 + (byte % 26))))
      const wire = Buffer.concat(text.map((payload, index) => stdcopyFrame(index % 2 === 0 ? 'stdout' : 'stderr', payload)))
      const output = new ProbeOutput()
      for (let at = 0; at < wire.length; at += step) output.write(wire.subarray(at, at + step))
      const whole = Buffer.concat(text).toString()
      assert.equal(output.text, whole.length > 4096 ? `${whole.slice(0, 4096)}...` : whole)
    }),
    { numRuns: 100 },
  )
})
