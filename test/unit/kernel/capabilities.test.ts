import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  capabilitiesOf, capabilityMask, capabilityNames, capabilityNumber, ownCapabilities, parseCapabilitySets,
} from '../../../src/kernel/capabilities.ts'

void test('numbers are those of linux/capability.h', () => {
  assert.deepEqual(['CAP_CHOWN', 'CAP_SYS_ADMIN', 'CAP_SETFCAP', 'CAP_CHECKPOINT_RESTORE'].map(capabilityNumber), [0, 21, 31, 40])
  assert.equal(capabilityNumber('SYS_ADMIN'), undefined)
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))
  assert.ok(capabilityNames.length > last, `the kernel has capability ${last}, the table ends at ${capabilityNames.length - 1}`)
})

void test('masks and names turn into each other', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 41n) - 1n }), (mask) => {
      assert.equal(capabilityMask(capabilitiesOf(mask)), mask)
    }),
  )
  assert.equal(capabilityMask(['CAP_NOT_THERE']), 0n)
})

void test('the sets of a process are read from its status', () => {
  const status = 'Name:\tx\nCapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000003\nCapBnd:\t000001fffeffffff\nCapAmb:\t0000000000000000\n'
  assert.deepEqual(parseCapabilitySets(status), {
    inheritable: 1n,
    permitted: 0x1ff_ffff_ffffn,
    effective: 3n,
    bounding: 0x1ff_feff_ffffn,
    ambient: 0n,
  })
  assert.throws(() => parseCapabilitySets('Name:\tx\n'), /cannot read capabilities: no CapInh in process status/)
})

void test('the engine can hand on what is permitted and bounding', () => {
  const { permitted, bounding } = parseCapabilitySets(readFileSync('/proc/self/status', 'utf8'))
  assert.equal(ownCapabilities(), permitted & bounding)
})
