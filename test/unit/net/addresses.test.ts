import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as check, boolean, ipV4, ipV6, oneof, property } from 'fast-check'
import { formatAddress, parseAddress } from '../../../src/lib/ip-address.ts'
import { AddressPool } from '../../../src/net/ipam/address-pool.ts'
import { defaultPools, freeSubnet, parsePool } from '../../../src/net/ipam/free-subnet.ts'
import { chooseSubnets } from '../../../src/net/ipam/requested-subnets.ts'
import type { SubnetChoice } from '../../../src/net/ipam/requested-subnets.ts'
import { broadcastOf, formatPrefix, overlaps, parseCidr, parsePrefix } from '../../../src/net/ip-prefix.ts'
import { parseMac, randomMac } from '../../../src/net/mac-address.ts'

const v4 = (text: string): bigint => parseAddress(text).value
const text4 = (value: bigint): string => formatAddress({ family: 4, value })

void describe('addresses and subnets', () => {
  void it('come back as they went in', () => {
    check(property(oneof(ipV4(), ipV6()), (text) => {
      const address = parseAddress(text)
      assert.deepEqual(parseAddress(formatAddress(address)), address)
    }))
    for (const text of ['::', '::1', 'fd00::5', '2001:db8:0:1::', 'fe80::1:0:0:1', '1:0:2::3']) assert.equal(formatAddress(parseAddress(text)), text)
    assert.equal(formatAddress(parseAddress('::ffff:10.0.0.1')), '::ffff:a00:1')
  })

  void it('are read from CIDR notation', () => {
    assert.equal(formatPrefix(parseCidr('172.17.0.1/16').prefix), '172.17.0.0/16')
    assert.equal(formatPrefix(parseCidr('fd00::5/64').prefix), 'fd00::/64')
    assert.equal(broadcastOf(parsePrefix('172.17.0.0/16')), '172.17.255.255')
    for (const bad of ['10.0.0.1', 'x/8', '10.0.0.256/24', '10.0.0.0/33', '10.0.0.1/24', 'fd00::/129']) assert.throws(() => parsePrefix(bad), /invalid/)
  })

  void it('overlap when they share an address', () => {
    assert.ok(overlaps(parsePrefix('10.0.0.0/8'), parsePrefix('10.5.0.0/16')))
    assert.ok(!overlaps(parsePrefix('10.0.0.0/16'), parsePrefix('10.1.0.0/16')))
    assert.ok(!overlaps(parsePrefix('::/0'), parsePrefix('10.1.0.0/16')))
  })
})

const make = (): AddressPool => new AddressPool({ subnet: parsePrefix('10.0.0.0/28'), reserved: [v4('10.0.0.1')] })

void describe('an address pool', () => {
  void it('never gives an address twice, nor gateway, network and broadcast, and rotates', () => {
    check(property(array(boolean(), { maxLength: 60 }), (steps) => {
      const pool = make()
      const held: bigint[] = []
      for (const take of steps) {
        if (take && held.length < 13) {
          const address = pool.take()
          assert.ok(!held.includes(address) && address > v4('10.0.0.1') && address < v4('10.0.0.15'))
          held.push(address)
        } else if (held.length > 0) pool.free(held.shift() ?? 0n)
      }
    }))
    const pool = make()
    const first = pool.take()
    pool.free(first)
    assert.equal(text4(first), '10.0.0.2')
    assert.equal(text4(pool.take()), '10.0.0.3')
  })

  void it('says so when it is empty, and never gave the auxiliary address', () => {
    const pool = new AddressPool({ subnet: parsePrefix('10.0.0.0/29'), reserved: [v4('10.0.0.1'), v4('10.0.0.4')] })
    const given = Array.from({ length: 4 }, () => text4(pool.take()))
    assert.deepEqual(given, ['10.0.0.2', '10.0.0.3', '10.0.0.5', '10.0.0.6'])
    assert.throws(() => pool.take(), /no available IPv4 addresses on this network's address pools/)
    assert.throws(() => pool.take(v4('10.0.0.4')), /^GantryError: Address already in use$/)
    pool.free(v4('10.0.0.3'))
    assert.equal(text4(pool.take()), '10.0.0.3')
  })

  void it('gives from its range, and what is asked for from the whole subnet', () => {
    const pool = new AddressPool({ subnet: parsePrefix('10.0.0.0/24'), range: parsePrefix('10.0.0.128/31'), reserved: [v4('10.0.0.1')] })
    assert.deepEqual([text4(pool.take()), text4(pool.take())], ['10.0.0.128', '10.0.0.129'])
    assert.throws(() => pool.take(), /no available/)
    assert.equal(text4(pool.take(v4('10.0.0.9'))), '10.0.0.9')
    assert.throws(() => pool.take(v4('10.0.1.9')), /no configured subnet contains IP address 10\.0\.1\.9/)
  })

  void it('goes through an IPv6 subnet from its second address', () => {
    const pool = new AddressPool({ subnet: parsePrefix('fd00::/64'), reserved: [parseAddress('fd00::1').value] })
    assert.equal(formatAddress({ family: 6, value: pool.take() }), 'fd00::2')
  })
})

void describe('a free subnet', () => {
  void it('is the first that meets no other', () => {
    assert.equal(formatPrefix(freeSubnet(defaultPools, [parsePrefix('172.17.0.0/16')], 4)), '172.18.0.0/16')
    assert.equal(formatPrefix(freeSubnet(defaultPools, [parsePrefix('172.16.0.0/12')], 4)), '192.168.0.0/20')
    const pools = [parsePool('base=10.10.0.0/16,size=24'), parsePool('base=fd01::/48,size=64')]
    assert.equal(formatPrefix(freeSubnet(pools, [parsePrefix('10.10.0.0/23'), parsePrefix('10.10.2.128/25')], 4)), '10.10.3.0/24')
    assert.equal(formatPrefix(freeSubnet(pools, [parsePrefix('fd01::/50')], 6)), 'fd01:0:0:4000::/64')
    assert.throws(() => freeSubnet(pools, [parsePrefix('10.10.0.0/16')], 4), /all predefined address pools have been fully subnetted/)
  })

  void it('comes from pools that make sense', () => {
    for (const bad of ['base=10.0.0.0/16,size=8', 'base=10.0.0.0/16', 'size=8', 'base=10.0.0.1/16,size=24']) assert.throws(() => parsePool(bad), /invalid/)
  })
})

void describe('the subnets of a new network', () => {
  const choice: SubnetChoice = { requested: [], ipv4: true, ipv6: false, used: [], hostPrefixes: [], pools: defaultPools, hasGateway: true }
  const choose = (...requested: SubnetChoice['requested']) => chooseSubnets({ ...choice, requested })

  void it('have a gateway: the one asked for, else the first address of the range', () => {
    assert.equal(choose({ subnet: '10.1.0.0/16' })[0]?.gateway, '10.1.0.1')
    assert.equal(choose({ subnet: '10.1.0.0/16', ipRange: '10.1.5.0/24' })[0]?.gateway, '10.1.5.0')
    assert.equal(choose({ subnet: '10.1.0.0/16', gateway: '10.1.9.9' })[0]?.gateway, '10.1.9.9')
    assert.equal(choose({ subnet: '10.1.0.0/16', auxAddresses: { router: '10.1.0.1' } })[0]?.gateway, '10.1.0.2')
  })

  void it('keep out of the routes of the host when nobody asked for them', () => {
    assert.equal(chooseSubnets({ ...choice, hostPrefixes: [parsePrefix('172.17.0.0/16')] })[0]?.subnet, '172.18.0.0/16')
  })

  const refused: [SubnetChoice['requested'][number], string][] = [
    [{ subnet: '10.1.0.5/16' }, 'invalid subnet 10.1.0.5/16: it should be 10.1.0.0/16'],
    [{ subnet: '10.1.0.0' }, 'invalid subnet 10.1.0.0: invalid CIDR block notation'],
    [{ subnet: 'fd00::/64' }, 'invalid subnet fd00::/64: IPv6 has not been enabled for this network'],
    [{ subnet: '10.1.0.0/16', ipRange: '10.2.0.0/24' }, "invalid ip-range 10.2.0.0/24: parent subnet 10.1.0.0/16 doesn't contain ip-range"],
    [{ subnet: '10.1.0.0/16', ipRange: '10.0.0.0/8' }, 'invalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.1.0.0/16'],
    [{ subnet: '10.1.0.0/16', gateway: '10.2.0.1' }, "invalid gateway 10.2.0.1: parent subnet 10.1.0.0/16 doesn't contain this address"],
    [{ subnet: '10.1.0.0/16', auxAddresses: { a: '10.2.0.1' } }, "invalid auxiliary address 10.2.0.1: parent subnet 10.1.0.0/16 doesn't contain this address"],
  ]
  for (const [request, text] of refused) {
    void it(`are refused: ${text}`, () => assert.throws(() => choose(request), { kind: 'InvalidParameter', message: `invalid network config:\n${text}` }))
  }

  void it('do not overlap', () => {
    const used = [parsePrefix('10.0.0.0/8')]
    assert.throws(() => chooseSubnets({ ...choice, used, requested: [{ subnet: '10.1.0.0/16' }] }),
      { kind: 'Forbidden', message: 'invalid pool request: Pool overlaps with other one on this address space' })
  })
})

void it('MAC addresses are unicast, local and not of the 02:42 kind', () => {
  for (let number = 0; number < 1000; number++) assert.match(randomMac(), /^(?!02:42:)[0-9a-f][26ae](:[0-9a-f]{2}){5}$/)
  assert.equal(parseMac('0A-00-00-00-00-01'), '0a:00:00:00:00:01')
  assert.throws(() => parseMac('0a:00'), /invalid MAC address: 0a:00/)
})
