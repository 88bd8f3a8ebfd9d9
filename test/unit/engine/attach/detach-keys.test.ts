import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, property, uint8Array } from 'fast-check'
import { DetachScanner, parseDetachKeys } from '../../../../src/engine/attach/detach-keys.ts'

test('detach keys are single characters and control keys', () => {
  assert.deepEqual(parseDetachKeys(undefined), [16, 17])
  assert.deepEqual(parseDetachKeys(''), [16, 17])
  assert.deepEqual(parseDetachKeys('a,ctrl-c,DEL'), [97, 3, 127])
  assert.deepEqual(parseDetachKeys(String.raw`ctrl-@,ctrl-[,ctrl-\,ctrl-],ctrl-^,ctrl-_`), [0, 27, 28, 29, 30, 31])
})

test('unknown detach keys are refused with their text', () => {
  for (const keys of ['ctrl-A', 'ctrl-', 'ab', 'a,', 'ctrl-é']) {
    assert.throws(() => parseDetachKeys(keys), { message: `Invalid detach keys (${keys}) provided`, kind: 'InvalidParameter' })
  }
})

function scan(keys: number[], chunks: Uint8Array[]): { forward: number[]; detached: boolean } {
  const scanner = new DetachScanner(keys)
  const forward: number[] = []
  for (const chunk of chunks) {
    const step = scanner.scan(chunk)
    forward.push(...step.forward)
    if (step.detached) return { forward, detached: true }
  }
  return { forward: [...forward, ...scanner.rest()], detached: false }
}

test('keys are found across chunks and what follows them is dropped', () => {
  assert.deepEqual(scan([16, 17], [Buffer.of(1, 16), Buffer.of(17, 2)]), { forward: [1], detached: true })
})

test('a partial match goes through once it is refuted', () => {
  assert.deepEqual(scan([16, 17], [Buffer.of(16), Buffer.of(1)]), { forward: [16, 1], detached: false })
})

test('the byte that refutes a match does not begin another', () => {
  assert.deepEqual(scan([16, 17], [Buffer.of(16, 16, 17)]), { forward: [16, 16, 17], detached: false })
})

test('input without the keys passes unchanged, however it is cut', () => {
  check(
    property(array(uint8Array({ maxLength: 8 })), (chunks) => {
      const bytes = chunks.flatMap((chunk) => [...chunk])
      const result = scan([16, 17], chunks)
      if (!result.detached) assert.deepEqual(result.forward, bytes)
      assert.equal(result.detached, scan([16, 17], [Uint8Array.from(bytes)]).detached)
    }),
  )
})
