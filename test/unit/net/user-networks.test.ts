import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { after, before, describe, it } from 'node:test'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { nr } from '../../../src/kernel/syscalls.ts'
import type { CreateNetwork, Endpoint, NetworkNames } from '../../../src/net/contract.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { withBoundPorts } from '../../../src/net/published-ports.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import { PrivateHost } from './private-host.ts'

const request = (name: string, parts: Partial<CreateNetwork> = {}): CreateNetwork =>
  ({ name, driver: '', internal: false, attachable: false, ipam: { driver: '', options: null, config: [] }, options: {}, labels: {}, ...parts })

void describe('user-defined networks', () => {
  let host: PrivateHost
  let service: LocalNetworkService
  let refusedSend = 0
  let sends = 0
  const logged: string[] = []
  // A kernel that refuses the nth datagram.
  const kernel: Kernel = {
    ...linuxKernel,
    syscall: (number, ...args) => {
      if (number === nr('sendto') && !asksGeneration(args[1]) && ++sends === refusedSend) return -constants.errno.ENOBUFS
      return linuxKernel.syscall(number, ...args)
    },
  }

  const open = (): LocalNetworkService => openNetworkService({
    kernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true, log: (line) => logged.push(line),
  })
  const allocate = (network: string, containerId: string, parts = {}): Promise<Endpoint> =>
    service.allocate({ networkId: service.get(network).id, containerId, containerName: containerId, dnsNames: [containerId, 'alias'], ...parts })
  const namesOf = (network: string): string => `${host.folder}/run/names/${service.get(network).id}.json`

  before(async () => {
    host = await PrivateHost.enter()
    service = open()
    await service.recover(new Set())
  })
  after(async () => {
    try {
      await service.purge()
      assert.doesNotMatch(host.run('ip -o link; nft list ruleset'), /veth|br-|gantry/)
    } finally {
      await host.leave()
    }
  })

  void it('are found again by the next engine, with bridges, addresses taken and names', async () => {
    const { id } = await service.create(request('kept', { ipam: { driver: '', options: null, config: [{ subnet: '10.81.0.0/24' }] } }))
    const endpoint = await allocate('kept', 'one')
    await service.attach(endpoint.id, await host.namespace())
    writeFileSync(`${host.folder}/network/networks/half.json.new`, '{"netw')
    writeFileSync(`${host.folder}/network/endpoints/half.json.new`, '{"id')
    await service.close()
    service = open()
    await service.recover(new Set([endpoint.id]))
    assert.equal(service.get('kept').id, id)
    assert.deepEqual(service.endpoints('kept'), [endpoint])
    await assert.rejects(allocate('kept', 'two', { ipv4: endpoint.ipv4 }), { kind: 'Forbidden', message: 'Address already in use' })
    const names = JSON.parse(readFileSync(namesOf('kept'), 'utf8')) as NetworkNames
    assert.deepEqual(names, { id, name: 'kept', internal: false, endpoints: service.names('kept') })
    assert.deepEqual(names.endpoints[0]?.names, ['one', 'alias'])
    service.rename('one', 'other', new Map([[endpoint.id, ['other']]]))
    assert.match(readFileSync(namesOf('kept'), 'utf8'), /"names":\["other"\]/)
    await service.release(endpoint.id)
    assert.ok(!existsSync(namesOf('kept')))
    await service.remove('kept')
    assert.deepEqual(readdirSync(`${host.folder}/network/networks`), [])
    assert.doesNotMatch(host.run('ip -o link'), /br-/)
  })

  void it('leave nothing when a step of their creation fails', async () => {
    sends = 0
    await service.create(request('counted'))
    const steps = sends
    await service.remove('counted')
    for (let step = 1; step <= steps; step++) {
      sends = 0
      refusedSend = step
      await assert.rejects(service.create(request('broken')), /no buffer space available/, `step ${step}`)
      refusedSend = 0
      assert.throws(() => service.get('broken'), /not found/)
    }
    assert.doesNotMatch(host.run('ip -o link; nft list ruleset'), /br-/)
    assert.deepEqual(readdirSync(`${host.folder}/network/networks`), [])
  })

  void it('use a bridge that is there and leave it', async () => {
    host.run('ip link add mine0 type bridge')
    await service.create(request('borrowed', { options: { 'com.docker.network.bridge.name': 'mine0' } }))
    await assert.rejects(service.create(request('twin', { options: { 'com.docker.network.bridge.name': 'mine0' } })), /networks have same bridge name/)
    await service.remove('borrowed')
    host.run('ip link delete mine0')
  })

  void it('move ports to the network that becomes the way out, with their numbers, and back', async () => {
    await service.create(request('a-first'))
    await service.create(request('b-second'))
    const pid = await host.namespace(80)
    const first = await allocate('a-first', 'box')
    await service.attach(first.id, pid)
    const wanted = { '80/tcp': [{ HostIp: '0.0.0.0' }] }
    const before = await service.publish('box', wanted)
    const port = Number(before['80/tcp']?.[0]?.HostPort)
    assert.equal(await host.ask('tcp', '10.77.0.1', port, host.outside), '10.77.0.2 hello')
    const second = await allocate('b-second', 'box', { gwPriority: 1 })
    await service.attach(second.id, pid)
    assert.deepEqual(await service.publish('box', wanted), before)
    assert.match(host.run('nft list ruleset'), new RegExp(`tcp \\. ${port} : ${second.ipv4.replaceAll('.', '\\.')} \\. 80`))
    assert.equal(await host.ask('tcp', '10.77.0.1', port, host.outside), '10.77.0.2 hello')
    assert.deepEqual(service.endpointsOf('box').map(({ id }) => id), [second.id, first.id])
    await service.detach(second.id, pid)
    await service.release(second.id)
    assert.deepEqual(await service.publish('box', withBoundPorts(wanted, before)), before)
    assert.equal(await host.ask('tcp', '10.77.0.1', port, host.outside), '10.77.0.2 hello')
    // Adding one leaves the other alone, also when the new one cannot be had.
    await assert.rejects(service.publish('box', { ...wanted, '81/tcp': [{ HostIp: '10.99.0.1', HostPort: '8081' }] }), /cannot assign requested address/)
    assert.equal(await host.ask('tcp', '10.77.0.1', port, host.outside), '10.77.0.2 hello')
    assert.deepEqual(await service.publish('box', {}), {})
    assert.doesNotMatch(host.run('nft list ruleset'), new RegExp(`tcp \\. ${port} `))
    await service.release(first.id)
    for (const name of ['a-first', 'b-second']) await service.remove(name)
  })

  void it('of which one cannot be set up do not keep the engine from starting', async () => {
    host.run('ip link add wire0 type veth peer name wire1')
    await service.create(request('wired', { driver: 'macvlan', options: { parent: 'wire0' } }))
    await service.close()
    host.run('ip link delete wire0')
    service = open()
    await service.recover(new Set())
    assert.match(logged.join('\n'), /cannot set up network wired: /)
    await assert.rejects(async () => service.attach((await allocate('wired', 'x')).id, await host.namespace()), /there is no interface wire0/)
    for (const { id } of service.endpoints('wired')) await service.release(id)
    await service.remove('wired')
  })
})

/** The engine asks once a second whether somebody has changed the packet filter: NFT_MSG_GETGEN. */
function asksGeneration(datagram: unknown): boolean {
  return Buffer.isBuffer(datagram) && datagram.readUInt16LE(4) === 0x0a10
}
