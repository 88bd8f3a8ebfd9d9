import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { after, before, describe, it } from 'node:test'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import type { Endpoint } from '../../../src/net/contract.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { nr } from '../../../src/kernel/syscalls.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import { PrivateHost } from './private-host.ts'

interface IpLink { ifname: string; mtu: number; address: string; operstate: string; link_index?: number; master?: string; ifindex: number }

void describe('the default bridge', () => {
  let host: PrivateHost
  let service: LocalNetworkService
  let pid: number
  let endpoint: Endpoint

  const allocate = (containerId: string, asked: { ipv4?: string; mac?: string } = {}): Promise<Endpoint> =>
    service.allocate({ networkId: 'bridge', containerId, containerName: containerId, portBindings: {}, ...asked })
  const links = (inside?: number): IpLink[] => JSON.parse(host.run('ip -j link', inside)) as IpLink[]

  // A kernel that refuses the nth datagram.
  let sends = 0
  let refusedSend = 0
  const kernel: Kernel = {
    ...linuxKernel,
    syscall: (number, ...args) => {
      if (number === nr('sendto') && !asksGeneration(args[1]) && ++sends === refusedSend) return -constants.errno.ENOBUFS
      return linuxKernel.syscall(number, ...args)
    },
  }

  before(async () => {
    host = await PrivateHost.enter()
    service = openNetworkService({
      kernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1400, userlandProxy: true,
    })
    await service.recover(new Set())
    pid = await host.namespace(80)
    endpoint = await allocate('one')
    await service.attach(endpoint.id, pid)
  })
  after(async () => {
    await service.purge()
    assert.deepEqual(links().map(({ ifname }) => ifname).filter((name) => /veth|gtest/.test(name)), [])
    assert.doesNotMatch(host.run('nft list ruleset'), /gantry/)
    await host.leave()
  })

  void it('has its address and lets the host forward', () => {
    assert.match(host.run('ip -4 -o addr show gtest0'), /172\.30\.0\.1\/16 brd 172\.30\.255\.255/)
    assert.equal(host.run('cat /proc/sys/net/ipv4/ip_forward').trim(), '1')
  })

  void it('gives the container eth0: random local MAC, MTU, address, default route, no IPv6, loopback up', () => {
    const inside = links(pid)
    const eth0 = inside.find(({ ifname }) => ifname === 'eth0')
    assert.equal(eth0?.mtu, 1400)
    assert.equal(eth0.address, endpoint.mac)
    assert.match(eth0.address, /^.[26ae]:(?!42:)/)
    assert.match(host.run('ip -4 -o addr show eth0', pid), new RegExp(`inet ${endpoint.ipv4}/16 brd 172\\.30\\.255\\.255`))
    assert.match(host.run('ip route', pid), /^default via 172\.30\.0\.1 dev eth0/)
    assert.equal(host.run('ip -6 addr show eth0', pid), '')
    assert.match(host.run('ip addr show lo', pid), /127\.0\.0\.1\/8/)
  })

  void it('has the other end of the pair as a port without an address', () => {
    const outer = links().find(({ ifname }) => ifname === endpoint.hostInterface)
    assert.equal(outer?.master, 'gtest0')
    assert.equal(outer.link_index, links(pid).find(({ ifname }) => ifname === 'eth0')?.ifindex)
    assert.equal(host.run(`ip -o addr show ${endpoint.hostInterface}`), '')
    assert.match(host.run(`ip -d link show ${endpoint.hostInterface}`), /hairpin on/)
  })

  void it('does nothing when it is attached again', async () => {
    const before = links().length
    await service.attach(endpoint.id, pid)
    assert.equal(links().length, before)
    assert.equal((await allocate('one')).id, endpoint.id)
  })

  void it('lets containers reach each other and hides them behind the host on the way out', async () => {
    const other = await host.namespace(80)
    const second = await allocate('two')
    await service.attach(second.id, other)
    await host.serve(host.outside, 80)
    assert.equal(await host.ask('tcp', endpoint.ipv4, 80, other), `${second.ipv4} hello`)
    for (const protocol of ['tcp', 'udp'] as const) assert.equal(await host.ask(protocol, '10.77.0.2', 80, other), '10.77.0.1 hello')
    await service.release(second.id)
    await host.stop(other)
  })

  void it('is closed to hosts that have a route through us, and open to the host', async () => {
    host.run('ip route add 172.30.0.0/16 via 10.77.0.1', host.outside)
    assert.equal(await host.ask('tcp', endpoint.ipv4, 80, host.outside), 'silence')
    assert.equal(await host.ask('tcp', endpoint.ipv4, 80), '172.30.0.1 hello')
  })

  void it('works beside a firewall whose policy is drop, and takes its exception away again', async () => {
    host.run('iptables -N DOCKER-USER && iptables -A FORWARD -j DOCKER-USER && iptables -P FORWARD DROP')
    assert.equal(await host.ask('tcp', '10.77.0.2', 80, pid), 'silence')
    await service.recover(new Set([endpoint.id]))
    assert.match(service.hostChanges.join(), /iptables DOCKER-USER/)
    assert.equal(await host.ask('tcp', '10.77.0.2', 80, pid), '10.77.0.1 hello')
    await service.recover(new Set([endpoint.id]))
    assert.equal(host.run('iptables -S DOCKER-USER').match(/gantry-gtest0/g)?.length, 2)
  })

  void it('gives the address and MAC that were asked for, once', async () => {
    const asked = await allocate('three', { ipv4: '172.30.9.9', mac: '0a:00:00:00:00:09' })
    assert.equal(asked.ipv4, '172.30.9.9')
    const other = await host.namespace(80)
    await service.attach(asked.id, other)
    assert.match(host.run('ip addr show eth0', other), /0a:00:00:00:00:09[\s\S]*172\.30\.9\.9/)
    await assert.rejects(allocate('four', { ipv4: '172.30.9.9' }), /Address already in use/)
    await assert.rejects(allocate('four', { ipv4: '10.0.0.1' }), /no configured subnet contains IP address 10\.0\.0\.1/)
    await service.detach(asked.id)
    assert.doesNotMatch(host.run('ip link', other), /eth0/)
    await service.release(asked.id)
  })

  void it('refuses to touch the host\'s own namespace, and says which process is gone', async () => {
    const stray = await allocate('stray')
    await assert.rejects(service.attach(stray.id, process.pid), /lives in the host's network namespace/)
    await assert.rejects(service.attach(stray.id, 4_194_303), /ENOENT/)
    assert.doesNotMatch(host.run('ip link'), new RegExp(stray.hostInterface))
    await service.release(stray.id)
  })

  void it('leaves no half of a pair, whichever step fails', async () => {
    const broken = await allocate('broken')
    const other = await host.namespace(80)
    sends = 0
    await service.attach(broken.id, other)
    const steps = sends
    await service.detach(broken.id)
    assert.equal(steps, 3)
    for (let step = 1; step <= steps; step++) {
      sends = 0
      refusedSend = step
      await assert.rejects(service.attach(broken.id, other), /no buffer space available/)
      refusedSend = 0
      assert.doesNotMatch(host.run('ip link'), new RegExp(broken.hostInterface), `step ${step}`)
      assert.doesNotMatch(host.run('ip link', other), /eth0/, `step ${step}`)
    }
    await service.release(broken.id)
  })

  void it('calls its interface eth1 where somebody has made an eth0, and is the way out', async () => {
    const both = await allocate('both')
    const other = await host.namespace(80)
    host.run('ip link add eth0 type veth peer name peer0', other)
    await service.attach(both.id, other)
    assert.match(host.run('ip -o addr show eth1', other), new RegExp(both.ipv4))
    assert.match(host.run('ip route show default', other), /^default via 172\.30\.0\.1 dev eth1/)
    await service.release(both.id)
  })

  void it('brings up loopback alone for "none" and leaves "host" alone', async () => {
    const alone = await host.namespace(80)
    const none = await service.allocate({ networkId: service.get('none').id, containerId: 'n', containerName: 'n', portBindings: {} })
    await service.attach(none.id, alone)
    assert.deepEqual(links(alone).map(({ ifname, operstate }) => `${ifname} ${operstate}`), ['lo UNKNOWN'])
    assert.match(host.run('ip addr show lo', alone), /127\.0\.0\.1/)
    const shared = await service.allocate({ networkId: service.get('host').id, containerId: 'h', containerName: 'h', portBindings: {} })
    await service.attach(shared.id, process.pid)
    assert.equal(service.endpoints('host').length, 1)
    await service.release(none.id)
    await service.release(shared.id)
  })

  void it('lists three networks with ids that last', () => {
    assert.deepEqual(service.list().map(({ name, driver, scope }) => `${name} ${driver} ${scope}`), ['bridge bridge local', 'host host local', 'none null local'])
    const { id } = service.get('bridge')
    assert.match(id, /^[0-9a-f]{64}$/)
    assert.equal(service.get(id.slice(0, 12)).name, 'bridge')
    assert.throws(() => service.get('nowhere'), /^GantryError: network nowhere not found$/)
  })
})

/** The engine asks once a second whether somebody has changed the packet filter: NFT_MSG_GETGEN. */
function asksGeneration(datagram: unknown): boolean {
  return Buffer.isBuffer(datagram) && datagram.readUInt16LE(4) === 0x0a10
}
