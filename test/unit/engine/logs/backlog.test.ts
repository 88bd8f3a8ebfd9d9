import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backlog } from '../../../../src/engine/logs/backlog.ts'
import type { LogMessage } from '../../../../src/logging/contract.ts'

const at = (...times: number[]): LogMessage[] => times.map((time) => ({ stream: 'stdout', time: BigInt(time), line: Buffer.from(String(time)) }))

void test('while the receiver takes what comes, everything is sent', () => {
  const backlog = new Backlog(1)
  backlog.receiverIsThere(9n)
  assert.deepEqual(backlog.admitted(at(1, 2, 3)), [0, 1, 2])
})

void test('of what waited, the first are sent, and all that came later', () => {
  const backlog = new Backlog(3)
  backlog.receiverIsAway()
  backlog.receiverIsThere(10n)
  assert.deepEqual(backlog.admitted(at(1, 2)), [0, 1])
  backlog.passed(at(1, 2))
  assert.deepEqual(backlog.admitted(at(3, 4, 5, 11, 12)), [0, 3, 4])
  backlog.passed(at(3, 4, 5, 11, 12))
  assert.deepEqual(backlog.admitted(at(13, 14, 15, 16)), [0, 1, 2, 3])
})

void test('who goes away again has what waits counted on, and a receiver that was back anew has a whole buffer', () => {
  const backlog = new Backlog(2)
  backlog.receiverIsAway()
  backlog.receiverIsThere(10n)
  backlog.passed(at(1))
  backlog.receiverIsAway()
  backlog.receiverIsThere(20n)
  assert.deepEqual(backlog.admitted(at(2, 15, 16, 21)), [0, 3])
  backlog.passed(at(2, 15, 16, 21))
  backlog.receiverIsAway()
  backlog.receiverIsThere(40n)
  assert.deepEqual(backlog.admitted(at(31, 32, 33)), [0, 1])
})

void test('a limit of none drops all that waited', () => {
  const backlog = new Backlog(0)
  backlog.receiverIsAway()
  backlog.receiverIsThere(10n)
  assert.deepEqual(backlog.admitted(at(1, 2, 11)), [2])
})
