import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitRanges } from '../../../src/net/port-ranges.ts'
import { portRows } from '../../../src/net/port-rows.ts'
import type { PortTarget } from '../../../src/net/port-rows.ts'
import { carriersOf, withBoundPorts } from '../../../src/net/published-ports.ts'

const target: PortTarget = { ipv4: '10.0.0.2', ipv6: '', routed4: false, routed6: false, bindingAddress: '', host4: true, host6: true, carriesIPv6: true }
const row = (first: number, count: number, shift = 0): Record<string, { HostPort: string }[]> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${first + at}/tcp`, [{ HostPort: String(first + at + shift) }]]))

void test('a long run of ports that keep their numbers is one range, whatever else is published', () => {
  const { ranges, singles } = splitRanges(portRows({ '80/tcp': [{}], ...row(1000, 100), '53/udp': [{ HostPort: '53' }] }, target))
  assert.deepEqual(ranges.map(({ rules }) => rules), [[{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 1000, containerIp: '10.0.0.2', containerPort: 1000, count: 100 }]])
  assert.deepEqual(singles.map(({ key }) => key), ['80/tcp', '53/udp'])
})

void test('a run that changes its numbers is one too, and short runs are single ports', () => {
  assert.deepEqual(splitRanges(portRows(row(1000, 63), target)).ranges, [])
  assert.deepEqual(splitRanges(portRows(row(1000, 100, 7), target)).ranges[0]?.rules, [{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 1007, containerIp: '10.0.0.2', containerPort: 1000, count: 100 }])
})

void test('a gap makes two ranges', () => {
  const { ranges } = splitRanges(portRows({ ...row(1000, 64), ...row(2000, 70) }, target))
  assert.deepEqual(ranges.map(({ rows }) => rows.length), [64, 70])
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
