import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { nr } from '../../../src/kernel/syscalls.ts'
import type { Endpoint } from '../../../src/net/contract.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import { PrivateHost } from './private-host.ts'

void describe('one more published port', () => {
  let host: PrivateHost
  let service: LocalNetworkService
  let endpoint: Endpoint
  let sent: Buffer[] = []
  const kernel: Kernel = {
    ...linuxKernel,
    syscall: (number, ...args) => {
      if (number === nr('sendto') && Buffer.isBuffer(args[1])) sent.push(Buffer.from(args[1]))
      return linuxKernel.syscall(number, ...args)
    },
  }
  const open = (): LocalNetworkService => openNetworkService({
    kernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true,
  })
  const file = (): string => {
    const [name = ''] = readdirSync(`${host.folder}/network/endpoints`)
    return `${host.folder}/network/endpoints/${name}`
  }
  const elements = (): string[] => (host.run('nft list table ip gantry-gtest0').match(/tcp \. \d+ : [\d.]+ \. \d+/g) ?? []).toSorted()
  const again = async (): Promise<void> => {
    await service.close()
    service = open()
    await service.recover(new Set([endpoint.id]))
  }

  before(async () => {
    host = await PrivateHost.enter()
    service = open()
    await service.recover(new Set())
    const pid = await host.namespace(80, 81)
    endpoint = await service.allocate({ networkId: 'bridge', containerId: 'one', containerName: 'one', portBindings: { '80/tcp': [{ HostPort: '8080' }] } })
    await service.attach(endpoint.id, pid)
  })
  after(async () => {
    await service.purge()
    await host.leave()
  })

  void it('is one line in the endpoint\'s file and one transaction of the new elements, however many there are', async () => {
    const costs: { written: number; datagrams: number; bytes: number }[] = []
    for (let port = 9001; port <= 9100; port++) {
      const before = readFileSync(file(), 'utf8').length
      sent = []
      await service.publishMore('one', { [`${port}/tcp`]: [{ HostPort: String(port) }] })
      // The engine asks once a second whether somebody has changed the packet filter.
      const changes = sent.filter((datagram) => datagram.readUInt16LE(4) !== 0x0a10)
      costs.push({ written: readFileSync(file(), 'utf8').length - before, datagrams: changes.length, bytes: changes.reduce((sum, { length }) => sum + length, 0) })
    }
    assert.deepEqual(costs[0], costs.at(-1))
    assert.equal(costs[0]?.datagrams, 1)
    assert.equal(elements().length, 101)
    assert.deepEqual(service.endpointsOf('one')[0]?.ports['9100/tcp'], [{ HostIp: '0.0.0.0', HostPort: '9100' }, { HostIp: '::', HostPort: '9100' }])
  })

  void it('beside one that the same container port has leaves that open', async () => {
    const before = elements()
    const more = await service.publishMore('one', { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8081' }] })
    assert.deepEqual(more, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }, { HostIp: '::', HostPort: '8080' }, { HostIp: '127.0.0.1', HostPort: '8081' }] })
    assert.deepEqual(elements().filter((one) => before.includes(one)), before)
    for (const port of [8080, 8081]) assert.equal(await host.ask('tcp', '127.0.0.1', port), '172.30.0.1 hello')
  })

  void it('comes all or not at all', async () => {
    const [before, rules] = [readFileSync(file(), 'utf8'), host.run('nft list table ip gantry-gtest0')]
    await assert.rejects(service.publishMore('one', { '82/tcp': [{ HostPort: '8082' }], '83/tcp': [{ HostPort: '8080' }] }),
      /driver failed programming external connectivity on endpoint one .*: Bind for 0\.0\.0\.0:8080 failed: port is already allocated/)
    assert.equal(readFileSync(file(), 'utf8'), before)
    assert.equal(host.run('nft list table ip gantry-gtest0'), rules)
    await service.publishMore('one', { '82/tcp': [{ HostPort: '8082' }] })
  })

  void it('is there after a restart, also when the last line was cut short', async () => {
    const before = elements()
    await again()
    assert.deepEqual(elements(), before)
    const ports = service.endpointsOf('one')[0]?.ports
    appendFileSync(file(), '\n{"target":{"ipv4"')
    await again()
    assert.deepEqual(service.endpointsOf('one')[0]?.ports, ports)
    await service.publishMore('one', { '84/tcp': [{ HostPort: '8084' }] })
    await again()
    assert.deepEqual(service.endpointsOf('one')[0]?.ports['84/tcp']?.[0], { HostIp: '0.0.0.0', HostPort: '8084' })
    assert.equal(await host.ask('tcp', '127.0.0.1', 8081), '172.30.0.1 hello')
  })

  void it('is closed with the others when they go', async () => {
    await service.publish('one', { '80/tcp': [{ HostPort: '8080' }] })
    assert.deepEqual(elements().length, 1)
    assert.equal(await host.ask('tcp', '127.0.0.1', 8080), '172.30.0.1 hello')
    assert.equal(await host.ask('tcp', '127.0.0.1', 9050), 'error ECONNREFUSED')
  })
})
