import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as check, boolean, ipV4, property } from 'fast-check'
import { AddressPool } from '../../../src/net/address-pool.ts'
import { formatIPv4, formatSubnet, parseIPv4, parseSubnet } from '../../../src/net/ipv4.ts'
import { randomMac } from '../../../src/net/mac-address.ts'

void describe('subnets', () => {
  void it('are read from the address of the bridge', () => {
    const subnet = parseSubnet('172.17.0.1/16')
    assert.equal(formatSubnet(subnet), '172.17.0.0/16')
    assert.equal(formatIPv4(subnet.broadcast), '172.17.255.255')
  })

  void it('must leave room for a container', () => {
    for (const bad of ['172.17.0.0/16', '172.17.255.255/16', '10.0.0.1/31', '10.0.0.1', 'x/8', '10.0.0.256/24']) assert.throws(() => parseSubnet(bad), /invalid/)
  })

  void it('addresses come back as they went in', () => {
    check(property(ipV4(), (address) => formatIPv4(parseIPv4(address)) === address))
  })
})

void describe('an address pool', () => {
  void it('never gives an address twice, nor gateway, network and broadcast, and rotates', () => {
    check(property(array(boolean(), { maxLength: 60 }), (steps) => {
      const subnet = parseSubnet('10.0.0.1/28')
      const pool = new AddressPool(subnet)
      const held: number[] = []
      for (const take of steps) {
        if (take && held.length < 13) {
          const address = pool.take()
          assert.ok(!held.includes(address) && address > subnet.gateway && address < subnet.broadcast)
          held.push(address)
        } else if (held.length > 0) pool.free(held.shift() ?? 0)
      }
    }))
    const pool = new AddressPool(parseSubnet('10.0.0.1/28'))
    const first = pool.take()
    pool.free(first)
    assert.equal(formatIPv4(first), '10.0.0.2')
    assert.equal(formatIPv4(pool.take()), '10.0.0.3')
  })

  void it('says so when it is empty', () => {
    const pool = new AddressPool(parseSubnet('10.0.0.1/29'))
    for (let number = 0; number < 5; number++) pool.take()
    assert.throws(() => pool.take(), /no available IPv4 addresses/)
    pool.free(parseIPv4('10.0.0.4'))
    assert.equal(formatIPv4(pool.take()), '10.0.0.4')
  })
})

void it('MAC addresses are unicast, local and not of the 02:42 kind', () => {
  for (let number = 0; number < 1000; number++) assert.match(randomMac(), /^(?!02:42:)[0-9a-f][26ae](:[0-9a-f]{2}){5}$/)
})
