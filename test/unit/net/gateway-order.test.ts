import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint, NetworkInfo } from '../../../src/net/contract.ts'
import { gatewayOrder, waysOut } from '../../../src/net/gateway-order.ts'
import type { Membership } from '../../../src/net/gateway-order.ts'

const member = (name: string, parts: Partial<Endpoint> = {}, network: Partial<NetworkInfo> = {}): Membership => ({
  endpoint: {
    id: name, networkId: name, containerId: 'c', containerName: 'c', ipv4: '10.0.0.2', prefix: 24, gateway: '10.0.0.1', ipv6: '', prefix6: 0, gateway6: '',
    mac: '', hostInterface: '', containerInterface: '', gwPriority: 0, dnsNames: [], links: [], ports: {}, ...parts,
  },
  network: {
    id: name, name, driver: 'bridge', scope: 'local', created: '', internal: false, attachable: false, enableIPv4: true, enableIPv6: false,
    ipam: { driver: 'default', options: null, config: [] }, options: {}, labels: {}, ...network,
  },
})

void test('the highest priority is the way out, then the first name', () => {
  assert.deepEqual(gatewayOrder([member('b'), member('c', { gwPriority: 2 }), member('a'), member('d', { gwPriority: -1 })]).map(({ network }) => network.name), ['c', 'a', 'b', 'd'])
  assert.equal(waysOut([member('b'), member('a')]).ipv4?.id, 'a')
})

void test('each family leaves where it has a gateway', () => {
  const six = member('a', { ipv4: '', gateway: '', ipv6: 'fd00::2', gateway6: 'fd00::1' })
  const ways = waysOut([six, member('b')])
  assert.deepEqual([ways.ipv4?.id, ways.ipv6?.id], ['b', 'a'])
})

void test('an internal network is no way out, and one without a gateway only in ipvlan l3', () => {
  assert.equal(waysOut([member('a', {}, { internal: true })]).ipv4, undefined)
  assert.equal(waysOut([member('a', { gateway: '' }, { driver: 'macvlan' })]).ipv4, undefined)
  assert.equal(waysOut([member('a', { gateway: '' }, { driver: 'ipvlan', options: { ipvlan_mode: 'l3s' } })]).ipv4?.id, 'a')
})
