import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { test } from 'node:test'
import { signalNumbers } from '../../../../src/kernel/constants/signals.ts'

void test('signals have the numbers that the C library gives them', () => {
  assert.deepEqual({ ...signalNumbers }, { ...constants.signals })
})
