import assert from 'node:assert/strict'
import { test } from 'node:test'
import { annotatedProperties } from '../../../../src/kernel/cgroup/systemd-annotations.ts'
import { scopeProperties, tasksMax } from '../../../../src/kernel/cgroup/systemd-properties.ts'
import { systemdUnitOf } from '../../../../src/kernel/cgroup/systemd-unit.ts'

const annotated = (name: string, text: string) => annotatedProperties({ [`org.systemd.property.${name}`]: text })

test('an annotation gives a unit a property, in the type that its text says', () => {
  assert.deepEqual(annotatedProperties({ 'org.systemd.property.TimeoutStopUSec': 'uint64 123456789', 'org.opencontainers.image.created': 'x', 'org.systemd.property.CollectMode': "'inactive-or-failed'" }), [
    ['TimeoutStopUSec', { signature: 't', value: 123456789n }],
    ['CollectMode', { signature: 's', value: 'inactive-or-failed' }],
  ])
  assert.deepEqual([annotated('Delegate', 'true'), annotatedProperties()], [[['Delegate', { signature: 'b', value: true }]], []])
})

test('a time as unit files have it is seconds', () => {
  const time = (text: string) => annotated('RuntimeMaxSec', text)[0]
  for (const text of ['2', 'uint64 2', '2.0', 'byte 2', 'int16 2', '@u 2']) assert.deepEqual(time(text), ['RuntimeMaxUSec', { signature: 't', value: 2_000_000n }], text)
  assert.deepEqual(time('0.25'), ['RuntimeMaxUSec', { signature: 't', value: 250_000n }])
  // No lower case letter in front: it is microseconds as it is.
  assert.deepEqual(annotated('RuntimeMaxUSec', 'uint64 2'), [['RuntimeMaxUSec', { signature: 't', value: 2n }]])
})

test('what is no name, no value or no time is refused with its key', () => {
  for (const [name, text, reason] of [
    ['Ab', '1', /^annotation org\.systemd\.property\.Ab name incorrect: too short$/],
    ['A_b', '1', /^annotation org\.systemd\.property\.A_b name incorrect: contains non-alphabetic character$/],
    ['Delegate', 'yes', /^annotation org\.systemd\.property\.Delegate=yes value parse error: unknown word "yes"$/],
    ['RuntimeMaxSec', "'2'", /value parse error: not a number$/],
    ['RuntimeMaxSec', '-2', /value parse error: -2 seconds are no time$/],
    ['RuntimeMaxSec', 'nan', /value parse error: NaN seconds are no time$/],
  ] as const) assert.throws(() => annotated(name, text), { kind: 'InvalidParameter', message: reason })
})

test('annotations stand in the place of what a scope has usually, and limits of the container win', () => {
  const others = [...annotated('Delegate', 'false'), ...annotated('TasksMax', 'uint64 9')]
  const properties = scopeProperties(systemdUnitOf('a.slice:p:x', 'x'), '', [1], { limits: [tasksMax(7)], others })
  const named = (name: string) => properties.filter(([key]) => key === name).map(([, { value }]) => value)
  assert.deepEqual([named('Delegate'), named('TasksMax'), named('Slice')], [[false], [9n, 7n], ['a.slice']])
})
