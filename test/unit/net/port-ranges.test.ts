import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { PortBinding } from '../../../src/engine/types/host-config.ts'
import { packPorts, unpackPorts } from '../../../src/lib/port-table.ts'
import { firstTaken, rangeRules } from '../../../src/net/port-ranges.ts'
import { portRows } from '../../../src/net/port-rows.ts'
import type { PortTarget } from '../../../src/net/port-rows.ts'
import { carriersOf, withBoundPorts } from '../../../src/net/published-ports.ts'

const target: PortTarget = { ipv4: '10.0.0.2', ipv6: '', routed4: false, routed6: false, bindingAddress: '', host4: true, host6: true, carriesIPv6: true }
const row = (first: number, count: number, shift = 0): Record<string, { HostPort: string }[]> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${first + at}/tcp`, [{ HostPort: String(first + at + shift) }]]))

const rulesOf = (table: Record<string, PortBinding[]>) => portRows(packPorts(table), target).filter(({ count }) => count !== undefined).map(rangeRules)

void test('a long run of ports that keep their numbers is one range, whatever else is published', () => {
  const table = { '80/tcp': [{}], ...row(1000, 100), '53/udp': [{ HostPort: '53' }] }
  assert.deepEqual(rulesOf(table), [[{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 1000, containerIp: '10.0.0.2', containerPort: 1000, count: 100 }]])
  assert.deepEqual(packPorts(table), { '80/tcp': [{}], '1000-1099/tcp': [{ HostPort: '1000-1099' }], '53/udp': [{ HostPort: '53' }] })
})

void test('a run that changes its numbers is one too, and short runs are single ports', () => {
  assert.deepEqual(rulesOf(row(1000, 63)), [])
  assert.deepEqual(rulesOf(row(1000, 100, 7)), [[{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 1007, containerIp: '10.0.0.2', containerPort: 1000, count: 100 }]])
})

void test('gaps, other host addresses and ports still to be chosen end a range', () => {
  const local = Object.fromEntries(Object.entries(row(1000, 100)).map(([key, [one]], at) => [key, [{ ...one, ...(at < 30 ? {} : { HostIp: '127.0.0.1' }) }]]))
  assert.deepEqual(Object.keys(packPorts({ ...row(1000, 64), ...row(2000, 70) })), ['1000-1063/tcp', '2000-2069/tcp'])
  assert.deepEqual(Object.keys(packPorts(local)).slice(-1), ['1030-1099/tcp'])
  const chosen = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${1000 + at}/tcp`, [{ HostPort: '' }]]))
  assert.equal(packPorts(chosen), chosen)
})

void test('a table is the same after it was packed, in whatever order it came', () => {
  const binding = fc.record({ HostIp: fc.constantFrom('', '127.0.0.1'), HostPort: fc.constantFrom('', '7', '8000-8010') })
  const single = fc.tuple(fc.integer({ min: 1, max: 400 }).map((port) => `${port}/tcp`), fc.array(binding, { maxLength: 2 }))
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 9 }), fc.array(single, { maxLength: 5 }), (first, count, shift, others) => {
    const table: Record<string, PortBinding[]> = { ...row(first, count, shift), ...Object.fromEntries(others) }
    const shuffled = Object.fromEntries(Object.entries(table).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    const packed = packPorts(shuffled)
    assert.deepEqual(unpackPorts(packed), table)
    assert.deepEqual(packPorts(packed), packed)
  }))
})

void test('exposed ports are ranges too', () => {
  const exposed = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${1000 + at}/udp`, {}]))
  assert.deepEqual(packPorts(exposed), { '1000-1099/udp': {} })
  assert.deepEqual(unpackPorts({ '1000-1099/udp': {} }), exposed)
})

void test('ports that are in a range and beside it have all their rows', () => {
  const { '1001/tcp': rows } = unpackPorts({ ...packPorts(row(1000, 64)), '1001/tcp': [{ HostPort: '99' }] })
  assert.deepEqual(rows, [{ HostPort: '1001' }, { HostPort: '99' }])
})

void test('who else has a port of a range, and which', () => {
  const rule = { protocol: 'udp', hostIp: '0.0.0.0', hostPort: 1050, containerIp: '10.0.0.3', containerPort: 1 } as const
  const range = { ...rule, hostPort: 1000, count: 100 }
  assert.equal(firstTaken(rule, [range]), 1050)
  assert.equal(firstTaken({ ...rule, hostPort: 990, count: 20 }, [range]), 1000)
  assert.equal(firstTaken({ ...rule, hostPort: 990, count: 10 }, [range]), undefined)
  assert.equal(firstTaken({ ...rule, protocol: 'tcp' }, [range]), undefined)
  assert.equal(firstTaken({ ...rule, hostIp: '::' }, [range]), undefined)
  assert.equal(firstTaken({ ...rule, hostIp: '127.0.0.1' }, [range]), 1050)
})

const places = (one: Partial<PortTarget>, binding = {}): string[] =>
  portRows({ '80/tcp': [binding] }, { ...target, ...one })[0]?.places.map(({ hostIp, containerIp }) => `${hostIp}>${containerIp}`) ?? []

void test('places are of one family, or for the proxy', () => {
  assert.deepEqual(places({}), ['0.0.0.0>10.0.0.2', ':::>10.0.0.2'.slice(1)])
  assert.deepEqual(places({ carriesIPv6: false }), ['0.0.0.0>10.0.0.2'])
  assert.deepEqual(places({ ipv6: 'fd00::2', carriesIPv6: false }), ['0.0.0.0>10.0.0.2', '::>fd00::2'])
  assert.deepEqual(places({ ipv4: '', ipv6: 'fd00::2' }), ['::>fd00::2'])
  assert.deepEqual(places({ bindingAddress: '127.0.0.1' }), ['127.0.0.1>10.0.0.2'])
  assert.deepEqual(places({ bindingAddress: '127.0.0.1' }, { HostIp: '::' }), ['::>10.0.0.2'])
  assert.throws(() => places({ carriesIPv6: false }, { HostIp: '::1' }), /cannot publish on ::1: IPv6 of the host needs the userland proxy/)
})

void test('a port that moves keeps its number; nobody carries ports without a way out', () => {
  assert.deepEqual(withBoundPorts({ '80/tcp': [{}], '81/tcp': [{ HostPort: '1-9' }], '82/tcp': [{}, {}] }, { '80/tcp': [{ HostIp: '', HostPort: '32768' }], '81/tcp': [{ HostIp: '', HostPort: '4' }] }),
    { '80/tcp': [{ HostPort: '32768' }], '81/tcp': [{ HostPort: '4' }], '82/tcp': [{}, {}] })
  assert.deepEqual(carriersOf([], { carriesIPv6: true }), [])
})
