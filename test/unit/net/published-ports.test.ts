import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import type { Endpoint } from '../../../src/net/contract.ts'
import type { StoredEndpoint } from '../../../src/net/endpoint-store.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import type { PortBinding } from '../../../src/engine/types/host-config.ts'
import { PrivateHost } from './private-host.ts'

const hostAddress = '10.77.0.1'

for (const userlandProxy of [true, false]) {
  void describe(`published ports, userland proxy ${userlandProxy}`, () => {
    let host: PrivateHost
    let service: LocalNetworkService
    let container: number
    let neighbour: number
    let endpoint: Endpoint
    let counter = 0

    const allocate = (portBindings: Record<string, PortBinding[]>): Promise<Endpoint> =>
      service.allocate({ networkId: service.get('bridge').id, containerId: `c${++counter}`, containerName: `box${counter}`, portBindings })

    before(async () => {
      host = await PrivateHost.enter()
      service = openNetworkService({
        kernel: linuxKernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1450, userlandProxy,
      })
      await service.recover(new Set())
      container = await host.namespace(80, 81)
      neighbour = await host.namespace(80)
      endpoint = await allocate({ '80/tcp': [{ HostPort: '8080' }], '80/udp': [{ HostPort: '8080' }], '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '8081' }] })
      await service.attach(endpoint.id, container)
      await service.attach((await allocate({})).id, neighbour)
    })
    after(async () => {
      await service.purge()
      await host.leave()
    })

    void it('answers the outside with the address of the caller', async () => {
      assert.equal(await host.ask('tcp', hostAddress, 8080, host.outside), '10.77.0.2 hello')
      assert.equal(await host.ask('udp', hostAddress, 8080, host.outside), '10.77.0.2 hello')
    })

    void it('answers the host on its own address and on 127.0.0.1', async () => {
      for (const protocol of ['tcp', 'udp'] as const) {
        assert.match(await host.ask(protocol, hostAddress, 8080), /^10\.77\.0\.1 hello$/)
        assert.match(await host.ask(protocol, '127.0.0.1', 8080), /^172\.30\.0\.1 hello$/)
      }
    })

    void it('answers on [::1] with the proxy only', async () => {
      const expected = userlandProxy ? '172.30.0.1 hello' : 'error ECONNREFUSED'
      assert.equal(await host.ask('tcp', '::1', 8080), expected)
      if (userlandProxy) assert.equal(await host.ask('udp', '::1', 8080), expected)
    })

    void it('answers the container itself and its neighbours on the host\'s address', async () => {
      for (const protocol of ['tcp', 'udp'] as const) {
        assert.equal(await host.ask(protocol, hostAddress, 8080, container), '172.30.0.1 hello')
        assert.equal(await host.ask(protocol, hostAddress, 8080, neighbour), '172.30.0.1 hello')
      }
    })

    void it('keeps a port that is published on 127.0.0.1 from everybody else', async () => {
      assert.equal(await host.ask('tcp', '127.0.0.1', 8081), '172.30.0.1 hello')
      assert.equal(await host.ask('tcp', hostAddress, 8081, host.outside), 'error ECONNREFUSED')
      host.run('ip route add 127.0.0.1/32 via 10.77.0.1 table 99 && ip rule add to 127.0.0.1 pref 1 table 99 && ip rule del pref 0 && ip rule add pref 9 table local', host.outside)
      host.run('echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet', host.outside)
      assert.doesNotMatch(await host.ask('tcp', '127.0.0.1', 8081, host.outside), /hello/)
    })

    void it('does not let a container reach what listens on the host\'s loopback', async () => {
      const server = createServer((socket) => socket.end('secret'))
      await new Promise<void>((resolve) => {
        server.listen(9000, '127.0.0.1', resolve)
      })
      server.unref()
      host.run('echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet', neighbour)
      host.run('ip rule add to 127.0.0.1 pref 1 table main && ip route add 127.0.0.1/32 via 172.30.0.1 && ip rule del pref 0 && ip rule add pref 9 table local', neighbour)
      assert.equal(await host.ask('tcp', '127.0.0.1', 9000, neighbour), 'silence')
      server.close()
    })

    void it('refuses a port that another container has, and names it', async () => {
      await assert.rejects(allocate({ '80/tcp': [{ HostPort: '8080' }] }),
        /^GantryError: driver failed programming external connectivity on endpoint box\d+ \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/)
      await assert.rejects(allocate({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] }), /Bind for 127\.0\.0\.1:8080 failed: port is already allocated/)
    })

    void it('refuses a port on which somebody else listens', async () => {
      const server = createServer()
      await new Promise<void>((resolve) => {
        server.listen(8090, '0.0.0.0', resolve)
      })
      const socket = createSocket('udp4')
      await new Promise<void>((resolve) => {
        socket.bind(8090, '127.0.0.1', resolve)
      })
      await assert.rejects(allocate({ '80/tcp': [{ HostPort: '8090' }] }), /: failed to bind host port for 0\.0\.0\.0:8090:172\.30\.0\.\d+:80\/tcp: address already in use$/)
      await assert.rejects(allocate({ '80/udp': [{ HostPort: '8090' }] }), /: failed to bind host port for 0\.0\.0\.0:8090:172\.30\.0\.\d+:80\/udp: address already in use$/)
      server.close()
      socket.close()
      // Nothing of the failed attempts is left.
      const later = await allocate({ '80/tcp': [{ HostPort: '8090' }] })
      await service.release(later.id)
    })

    void it('takes the first free port of a range, and an ephemeral one where none is named', async () => {
      const first = await allocate({ '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080-8092' }] })
      // 8081 is taken on 127.0.0.1, so that all addresses together cannot have it.
      assert.deepEqual(first.ports, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8082' }] })
      const any = await allocate({ '80/tcp': [{}], '53/udp': [{ HostPort: '' }] })
      const rows = any.ports['80/tcp'] ?? []
      assert.deepEqual(rows.map(({ HostIp }) => HostIp), userlandProxy ? ['0.0.0.0', '::'] : ['0.0.0.0'])
      assert.equal(new Set(rows.map(({ HostPort }) => HostPort)).size, 1)
      const port = Number(rows[0]?.HostPort)
      assert.ok(port >= 32_768 && port <= 60_999, `${port}`)
      await service.release(first.id)
      await service.release(any.id)
    })

    void it('publishes SCTP by the kernel alone', async () => {
      const box = await allocate({ '80/sctp': [{ HostPort: '8096' }] })
      await service.attach(box.id, await host.namespace(80))
      assert.match(host.run('nft list ruleset'), new RegExp(`sctp \\. 8096 : ${box.ipv4.replaceAll('.', '\\.')} \\. 80`))
      assert.deepEqual(box.ports, { '80/sctp': [{ HostIp: '0.0.0.0', HostPort: '8096' }] })
      await service.release(box.id)
      assert.doesNotMatch(host.run('nft list ruleset'), /8096/)
    })

    void it('says so when it cannot: bad ports, addresses of others', async () => {
      await assert.rejects(allocate({ '80/tcp': [{ HostPort: '70000' }] }), /invalid port: '70000'/)
      await assert.rejects(allocate({ '80/tcp': [{ HostIp: '10.99.0.1', HostPort: '8095' }] }), /failed to bind host port for 10\.99\.0\.1:8095:.*: cannot assign requested address/)
    })

    void it('publishes ten thousand ports as one interval, without a socket', async () => {
      const ports = Array.from({ length: 10_001 }, (_, at) => String(10_000 + at))
      const range = Object.fromEntries(ports.map((port) => [`${port}/udp`, [{ HostPort: port }]]))
      const before = host.run('ss -lunH | wc -l')
      const wide = await allocate(range)
      await service.attach(wide.id, await host.namespace(19_999))
      assert.match(host.run('nft list ruleset'), /udp \. 10000-20000 : /)
      assert.equal(host.run('ss -lunH | wc -l'), before)
      assert.equal(await host.ask('udp', hostAddress, 19_999, host.outside), '10.77.0.2 hello')
      const { ports: bound, bindings } = JSON.parse(readFileSync(`${host.folder}/network/endpoints/${wide.id}.json`, 'utf8')) as StoredEndpoint
      assert.deepEqual([bound, bindings], [{ '10000-20000/udp': [{ HostIp: '0.0.0.0', HostPort: '10000-20000' }] }, { '10000-20000/udp': [{ HostPort: '10000-20000' }] }])
      assert.deepEqual(service.endpoints('bridge').find(({ id }) => id === wide.id)?.ports, bound)
      await assert.rejects(allocate({ '1/udp': [{ HostPort: '12345' }] }), /Bind for 0\.0\.0\.0:12345 failed: port is already allocated/)
      await service.release(wide.id)
      assert.doesNotMatch(host.run('nft list ruleset'), /10000-20000/)
    })

    void it('refuses a range in which a process of the host listens', async () => {
      await host.serve(process.pid, 10_050)
      const range = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${10_000 + at}/tcp`, [{ HostPort: String(10_000 + at) }]]))
      await assert.rejects(allocate(range), /failed to bind host port for 0\.0\.0\.0:10050:[\d.]+:10050\/tcp: address already in use/)
    })

    void it('closes with the endpoint', async () => {
      await service.detach(endpoint.id)
      assert.doesNotMatch(await host.ask('tcp', hostAddress, 8080, host.outside), /hello/)
      await service.release(endpoint.id)
      assert.equal(await host.ask('tcp', hostAddress, 8080, host.outside), 'error ECONNREFUSED')
      assert.doesNotMatch(host.run('nft list table ip gantry-gtest0'), /elements/)
      assert.doesNotMatch(host.run('ss -ltnuH'), /:808[01]/)
    })
  })
}
