import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foreignSpec } from '../../../../../src/containerd/tasks/foreign/foreign-spec.ts'
import type { OciSpec } from '../../../../../src/runc/spec.ts'

function spec(more: Partial<OciSpec>): OciSpec {
  return { ociVersion: '1.0.2', root: { path: '/r' }, ...more } as OciSpec
}

function types(given: OciSpec): unknown {
  return given.linux?.namespaces?.map(({ type }) => type)
}

function mount(source: string): NonNullable<OciSpec['mounts']>[number] {
  return { destination: '/d', type: 'bind', source, options: ['rbind', 'rro'] }
}

void test('a time namespace that changes nothing is left out, one that is joined or has offsets is not', () => {
  const namespaces = [{ type: 'mount' }, { type: 'time' }] as const
  assert.deepEqual(types(foreignSpec(spec({ linux: { namespaces: [...namespaces] } }))), ['mount'])
  assert.deepEqual(types(foreignSpec(spec({ linux: { namespaces: [...namespaces], timeOffsets: { monotonic: { secs: 1, nanosecs: 0 } } } }))), ['mount', 'time'])
  assert.deepEqual(types(foreignSpec(spec({ linux: { namespaces: [{ type: 'time', path: '/proc/1/ns/time' }] } }))), ['time'])
})

void test('"rro" becomes "ro" only where nothing is mounted below the source', () => {
  const given = spec({ mounts: [mount('/usr'), mount('/etc'), { destination: '/p', type: 'proc', source: 'proc', options: ['ro'] }] })
  const options = foreignSpec(given, () => ['/', '/usr', '/usr/local/share', '/etcetera']).mounts?.map((each) => each.options)
  assert.deepEqual(options, [['rbind', 'rro'], ['rbind', 'ro'], ['ro']])
  assert.deepEqual(foreignSpec(spec({ mounts: [mount('/')] }), () => ['/', '/proc']).mounts?.[0]?.options, ['rbind', 'rro'])
})
