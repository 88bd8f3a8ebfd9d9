import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { it } from 'node:test'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { protocol } from '../../../../src/kernel/netlink/constants.ts'
import { createBridge, findLink, listLinks, setUp } from '../../../../src/kernel/netlink/link.ts'
import { NetlinkSocket } from '../../../../src/kernel/netlink/socket.ts'
import { NftablesMaps, loadRuleset } from '../../../../src/kernel/nftables.ts'
import type { MapElement } from '../../../../src/kernel/nftables.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'

const CLONE_NEWNET = 0x40000000
assert.equal(linuxKernel.syscall(nr('unshare'), CLONE_NEWNET), 0)

void it('a batch is worked off to its end, and the first failure is told with the kernel\'s words', () => {
  const socket = new NetlinkSocket(linuxKernel, protocol.route)
  const bridge = createBridge({ name: 'gtest1', mac: '0a:00:00:00:00:01', mtu: 1400 })
  assert.throws(() => socket.batch([bridge, bridge, ...setUp({ index: 0, name: 'gtest1' })]), /^NetlinkError: cannot create bridge gtest1: file exists/)
  const link = findLink(socket, 'gtest1')
  assert.deepEqual({ ...link, index: 0 }, { index: 0, name: 'gtest1', up: true, mtu: 1400, mac: '0a:00:00:00:00:01', master: 0, kind: 'bridge' })
  assert.equal(findLink(socket, 'nowhere'), undefined)
  const ours = listLinks(socket).map(({ name }) => name)
  const theirs = (JSON.parse(execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' })) as { ifname: string }[]).map(({ ifname }) => ifname)
  assert.deepEqual(ours, theirs)
  socket.close()
})

void it('elements that go in by netlink come out of the nft program', async () => {
  await loadRuleset(linuxKernel, 'table ip gantry-test {\n map m { type inet_proto . inet_service : ipv4_addr . inet_service; }\n}\n')
  const maps = new NftablesMaps(linuxKernel)
  maps.change({ table: 'gantry-test', map: 'm', add: Array.from({ length: 3000 }, (_, at) => element(1000 + at)) })
  assert.equal(list().match(/: 10\.0\.0\.1 \. 80/g)?.length, 3000)
  maps.change({ table: 'gantry-test', map: 'm', remove: [element(9), ...Array.from({ length: 2999 }, (_, at) => element(1001 + at))] })
  assert.match(list(), /elements = \{ tcp \. 1000 : 10\.0\.0\.1 \. 80 \}/)
  assert.throws(() => maps.change({ table: 'gantry-test', map: 'none', add: [element(1)] }), /cannot add elements to nftables map none: no such file or directory/)
  maps.close()
  await assert.rejects(loadRuleset(linuxKernel, 'nonsense'), /cannot load nftables rules: .*syntax error/)
})

function element(port: number): MapElement {
  return { key: Buffer.from([6, 0, 0, 0, port >> 8, port & 0xff, 0, 0]), data: Buffer.from([10, 0, 0, 1, 0, 80, 0, 0]) }
}

function list(): string {
  return execFileSync('nft', ['list', 'map', 'ip', 'gantry-test', 'm'], { encoding: 'utf8' })
}
