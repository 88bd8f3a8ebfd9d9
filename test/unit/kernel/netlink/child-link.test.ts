import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChildLink, createDummy } from '../../../../src/kernel/netlink/child-link.ts'
import { ifla, linkInfo } from '../../../../src/kernel/netlink/constants.ts'
import { decodeAttributes, textOf } from '../../../../src/kernel/netlink/message.ts'
import type { Attributes } from '../../../../src/kernel/netlink/message.ts'
import type { Request } from '../../../../src/kernel/netlink/socket.ts'

const attributesOf = ({ message }: Request): Attributes => decodeAttributes(Buffer.concat(message.parts).subarray(16))
function infoOf(request: Request): { kind: string; data: Attributes } {
  const info = decodeAttributes(attributesOf(request).get(ifla.linkInfo) ?? Buffer.alloc(0))
  return { kind: textOf(info.get(linkInfo.kind) ?? Buffer.alloc(0)), data: decodeAttributes(info.get(linkInfo.data) ?? Buffer.alloc(0)) }
}

/** linux/if_link.h: IFLA_MACVLAN_MODE u32, IFLA_IPVLAN_MODE and _FLAGS u16, IFLA_VLAN_ID u16. */
void test('links on a parent are described as the kernel reads them', () => {
  const macvlan = createChildLink({ kind: 'macvlan', name: 'eth0', parent: 7, mode: 'bridge', mac: '0a:00:00:00:00:01', namespaceFd: 9, mtu: 1400 })
  assert.deepEqual([infoOf(macvlan).kind, infoOf(macvlan).data.get(1)?.readUInt32LE(0)], ['macvlan', 4])
  const attributes = attributesOf(macvlan)
  assert.equal(textOf(attributes.get(ifla.ifname) ?? Buffer.alloc(0)), 'eth0')
  assert.deepEqual([ifla.link, ifla.mtu, ifla.netnsFd].map((type) => attributes.get(type)?.readUInt32LE(0)), [7, 1400, 9])
  assert.equal(attributes.get(ifla.address)?.toString('hex'), '0a0000000001')

  const ipvlan = infoOf(createChildLink({ kind: 'ipvlan', name: 'eth0', parent: 7, mode: 'l3s', flag: 'private' }))
  assert.deepEqual([ipvlan.kind, ipvlan.data.get(1)?.readUInt16LE(0), ipvlan.data.get(2)?.readUInt16LE(0)], ['ipvlan', 2, 1])
  const vlan = infoOf(createChildLink({ kind: 'vlan', name: 'eth0.10', parent: 7, id: 10 }))
  assert.deepEqual([vlan.kind, vlan.data.get(1)?.readUInt16LE(0)], ['vlan', 10])
  assert.equal(infoOf(createDummy('dm-0')).kind, 'dummy')
})
