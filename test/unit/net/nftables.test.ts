import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { elementOf, elementText, mapOf, separate } from '../../../src/net/nftables/port-maps.ts'
import { rulesetOf } from '../../../src/net/nftables/ruleset.ts'
import type { FilteredFamily, FilteredNetwork } from '../../../src/net/packet-filter.ts'
import type { PortRule } from '../../../src/net/port-holder.ts'

const family = (subnet: string, parts: Partial<FilteredFamily> = {}): FilteredFamily => ({ subnet, masquerade: true, hostAddress: '', mode: 'nat', ...parts })
const network = (bridge: string, parts: Partial<FilteredNetwork> = {}): FilteredNetwork =>
  ({ bridge, internal: false, icc: true, ipv4: family('10.0.0.0/24'), ipv6: family('fd00::/64'), ...parts })
const rule = (parts: Partial<PortRule>): PortRule => ({ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 80, containerIp: '10.0.0.2', containerPort: 8080, ...parts })

const rules = [
  rule({}), rule({ hostIp: '10.1.1.1' }), rule({ hostPort: 100, containerPort: 100, count: 64 }), rule({ hostIp: '10.1.1.1', hostPort: 100, containerPort: 100, count: 64 }),
  rule({ routed: true }), rule({ routed: true, hostPort: 100, containerPort: 100, count: 64 }), rule({ protocol: 'sctp' }),
  rule({ hostIp: '::', containerIp: 'fd00::2' }), rule({ hostIp: 'fd09::1', containerIp: 'fd00::2' }), rule({ hostIp: '::', hostPort: 100, containerPort: 100, containerIp: 'fd00::2', count: 64 }),
  rule({ hostIp: '::' }),
]

void test('what nft is told, nft understands', () => {
  const state = {
    networks: [
      network('br-a'), network('quiet', { icc: false }), network('inside', { internal: true }), network('as', { ipv4: family('10.0.0.0/24', { hostAddress: '10.9.9.9' }) }),
      network('routed', { ipv4: family('10.0.0.0/24', { mode: 'routed' }), ipv6: family('fd00::/64', { mode: 'routed' }) }),
      network('open', { ipv4: family('10.0.0.0/24', { mode: 'nat-unprotected' }), ipv6: undefined }),
    ],
    rules,
  }
  for (const version of [4, 6] as const) execFileSync('unshare', ['-n', 'nft', '-f', '-'], { input: rulesetOf('gantry-test', state, version) })
  for (const version of [4, 6] as const) execFileSync('unshare', ['-n', 'nft', '-f', '-'], { input: rulesetOf('gantry-test', { networks: [], rules }, version) })
})

void test('every rule has its map, and those from IPv6 to IPv4 none', () => {
  assert.deepEqual(rules.map(mapOf), ['published', 'published_at', 'range', 'range_at', 'routed', 'routed_range', 'published', 'published', 'published_at', 'range', undefined])
  assert.equal(elementText(rules[3]!, 'range_at'), '10.1.1.1 . tcp . 100-163 : 10.0.0.2')
  assert.equal(elementText(rules[4]!, 'routed'), '10.0.0.2 . tcp . 8080')
})

void test('a range that changes its numbers is an element for each port', () => {
  const shifted = rule({ hostPort: 100, containerPort: 200, count: 3 })
  assert.equal(mapOf(shifted), 'published')
  assert.deepEqual(separate(shifted).map((one) => elementText(one, 'published')), ['tcp . 100 : 10.0.0.2 . 200', 'tcp . 101 : 10.0.0.2 . 201', 'tcp . 102 : 10.0.0.2 . 202'])
})

void test('elements are fields of four bytes, the last key of an interval beside the first', () => {
  const { key, keyEnd, data } = elementOf(rules[3]!, 'range_at')
  assert.equal(Buffer.from(key).toString('hex'), '0a0101010600000000640000')
  assert.equal(Buffer.from(keyEnd ?? []).toString('hex'), '0a0101010600000000a30000')
  assert.equal(Buffer.from(data ?? []).toString('hex'), '0a000002')
  assert.equal(elementOf(rules[4]!, 'routed').data, undefined)
})

const text = (parts: Partial<FilteredNetwork>): string => rulesetOf('t', { networks: [network('br', parts)], rules: [] }, 4)

void test('what is internal, quiet or not masqueraded is so', () => {
  assert.match(text({}), /oifname != "br" ip saddr 10\.0\.0\.0\/24 counter masquerade/)
  assert.doesNotMatch(text({ internal: true }), /oifname != "br" ip saddr/)
  assert.match(text({ internal: true }), /chain from-br \{\s+oifname != "br" counter drop/)
  assert.match(text({ icc: false }), /iifname "br" drop/)
  assert.doesNotMatch(text({ ipv4: family('10.0.0.0/24', { masquerade: false }) }), /oifname != "br" ip saddr/)
  assert.match(text({ ipv4: family('10.0.0.0/24', { hostAddress: '10.9.9.9' }) }), /oifname != "br" ip saddr 10\.0\.0\.0\/24 counter snat to 10\.9\.9\.9/)
})
