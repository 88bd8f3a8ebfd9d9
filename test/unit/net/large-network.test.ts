import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { membersOf } from '../../../src/engine/networks/describe.ts'
import type { CreateNetwork, Endpoint } from '../../../src/net/contract.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { waysOf } from '../../../src/net/explain/way.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import { eventually } from '../../e2e/harness/eventually.ts'
import { PrivateHost } from './private-host.ts'

/** More than the ports that a bridge of Linux has. */
const crowd = 1050
/** A kernel whose bridges are small: two containers on the first, 65 on each further one. */
const small = 66

const request = (name: string, subnet: string, options: Record<string, string> = {}): CreateNetwork =>
  ({ name, driver: 'bridge', internal: false, attachable: false, ipam: { driver: '', options: null, config: [{ subnet }] }, options, labels: {} })

void describe('a network of more containers than a bridge has ports', () => {
  let host: PrivateHost
  let service: LocalNetworkService
  const endpoints = new Map<string, Endpoint[]>()
  const namespaces: number[] = []

  const open = (): LocalNetworkService => openNetworkService({
    kernel: linuxKernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true,
  })
  const join = async (network: string, pid: number, ports: Record<string, { HostPort: string }[]> = {}): Promise<Endpoint> => {
    const list = endpoints.get(network) ?? []
    endpoints.set(network, list)
    const containerId = `${network}-${list.length}`
    const endpoint = await service.allocate({ networkId: service.get(network).id, containerId, containerName: containerId, dnsNames: [containerId], portBindings: ports })
    await service.attach(endpoint.id, pid)
    list.push(endpoint)
    return endpoint
  }
  const fill = async (network: string, count: number): Promise<void> => {
    // Many interfaces in one namespace: quicker than as many processes, and the same to a bridge.
    for (let number = 0; number < count; number++) {
      if (number % 100 === 0) namespaces.push(await host.namespace())
      await join(network, namespaces.at(-1) ?? 0)
    }
  }
  const allOf = (network: string): Endpoint[] => endpoints.get(network) ?? []
  const resolve = (pid: number, name: string): string => host.run(`'${process.execPath}' -e 'const r = new dns.Resolver(); r.setServers(["127.0.0.11"]); r.resolve4("${name}", (error, found) => console.log(error?.code ?? found.join()))'`, pid).trim()
  const linksOf = (): string[] => host.run('ip -o link').match(/gnlk\d+-[0-9a-f]{8}/g) ?? []

  let [first, last] = [0, 0]
  before(async () => {
    host = await PrivateHost.enter()
    service = open()
    await service.recover(new Set())
    ;[first, last] = [await host.namespace(80), await host.namespace(80)]
    await service.create(request('wide', '10.88.0.0/16'))
    await join('wide', first)
    await fill('wide', crowd)
    await join('wide', last, { '80/tcp': [{ HostPort: '8088' }] })
  })
  after(async () => {
    try {
      await service.purge()
      assert.doesNotMatch(host.run('ip -o link; cat /proc/self/mounts'), new RegExp(`gnlk|veth[0-9a-f]{7}|${host.folder}`))
    } finally {
      await host.leave()
    }
  })

  void it('is one link layer behind one gateway, from the first to the last', async () => {
    const [one, other] = [allOf('wide')[0], allOf('wide').at(-1)]
    assert.ok(one !== undefined && other !== undefined)
    assert.equal(await host.ask('tcp', one.ipv4, 80, last), `${other.ipv4} hello`)
    assert.equal(await host.ask('udp', other.ipv4, 80, first), `${one.ipv4} hello`)
    assert.equal(await host.ask('tcp', other.ipv4, 80), '10.88.0.1 hello')
    assert.match(host.run('ip route', last), /^default via 10\.88\.0\.1 dev eth0/)
    assert.equal(service.endpoints('wide').length, crowd + 2)
    assert.equal(new Set(service.endpoints('wide').map(({ ipv4 }) => ipv4)).size, crowd + 2)
    const ports = host.run(`ip -o link show master br-${service.get('wide').id.slice(0, 12)}`).trim().split('\n')
    assert.ok(ports.length < 1000, `${ports.length} ports`)
    assert.equal(linksOf().length, 1)
  })

  void it('knows all names on every bridge, and inspect lists all who have them', async () => {
    const highest = allOf('wide').length - 1
    for (const [container, pid] of [['wide-0', first], [`wide-${highest}`, last]] as const) await service.resolveNames(container, { pid, servers: [], keepsShortNames: true })
    assert.deepEqual([resolve(first, `wide-${highest}`), resolve(first, 'wide-0')], [allOf('wide').at(-1)?.ipv4, allOf('wide')[0]?.ipv4])
    assert.deepEqual([resolve(last, 'wide-0'), resolve(last, 'wide-958.wide'), resolve(last, 'wide-1000')], [0, 958, 1000].map((at) => allOf('wide')[at]?.ipv4))
    assert.deepEqual(Object.entries(membersOf(service.get('wide'), service)).map(([id, member]) => [id, (member as { IPv4Address: string }).IPv4Address]), allOf('wide').map(({ containerId, ipv4 }) => [containerId, `${ipv4}/16`]))
  })

  void it('takes a container of a further bridge off the network and on again', async () => {
    const endpoint = allOf('wide').at(-1)
    assert.ok(endpoint !== undefined)
    await service.detach(endpoint.id, last)
    await service.release(endpoint.id)
    assert.doesNotMatch(host.run('ip -o link', last), /eth0/)
    assert.equal(await host.ask('tcp', endpoint.ipv4, 80, first), 'silence')
    allOf('wide').pop()
    await join('wide', last, { '80/tcp': [{ HostPort: '8088' }] })
    assert.match(await host.ask('tcp', allOf('wide').at(-1)?.ipv4 ?? '', 80, first), / hello$/)
  })

  void it('publishes ports, reaches the world, and calls itself by the host\'s address', async () => {
    await host.serve(host.outside, 90)
    assert.equal(await host.ask('tcp', '10.77.0.1', 8088, host.outside), '10.77.0.2 hello')
    assert.equal(await host.ask('tcp', '127.0.0.1', 8088), '10.88.0.1 hello')
    assert.equal(await host.ask('tcp', '10.77.0.2', 90, last), '10.77.0.1 hello')
    assert.match(await host.ask('tcp', '10.77.0.1', 8088, last), / hello$/)
    assert.match(await host.ask('tcp', '10.77.0.1', 8088, first), / hello$/)
  })

  void it('is explained with the link that its packets take', async () => {
    const endpoint = service.endpoints('wide').at(-1)
    assert.ok(endpoint !== undefined)
    const [way] = await waysOf(linuxKernel, { network: service.get('wide'), endpoint, pid: last })
    const steps = way?.in[0]?.steps.map(({ name, text }) => `${name} ${text}`) ?? []
    assert.ok(steps.some((step) => /^gnlk1-[0-9a-f]{8} link of br-[0-9a-f]{12} to a further bridge$/.test(step)), steps.join('\n'))
    assert.ok(steps.includes(`${endpoint.hostInterface} port of a further bridge, in a network namespace of the engine`))
  })

  void it('is found again by the next engine, and nobody notices', async () => {
    const [before, one] = [host.run('ip -o link | sort'), allOf('wide')[0]]
    await service.close()
    service = open()
    await service.recover(new Set(allOf('wide').map(({ id }) => id)))
    assert.equal(host.run('ip -o link | sort'), before)
    assert.match(await host.ask('tcp', one?.ipv4 ?? '', 80, last), / hello$/)
  })

  void it('knows where its containers are, although their broadcasts come back', async () => {
    const near = namespaces.filter((pid) => host.run('ip -o -4 address', pid).includes(`${allOf('wide').at(-2)?.ipv4}/`))
    for (const pid of [last, ...near]) host.run('ip neigh flush all', pid)
    // Who is not there is asked for by a broadcast.
    assert.equal(await host.ask('tcp', '10.88.255.254', 80, last), 'silence')
    assert.equal(near.length, 1)
    assert.match(await host.ask('tcp', allOf('wide').at(-1)?.ipv4 ?? '', 80, near[0]), / hello$/)
  })

  void it('gives a bridge back that nobody needs any more', async () => {
    // Their interfaces go with them.
    for (const pid of namespaces) await host.stop(pid)
    for (const { id } of allOf('wide').slice(900)) await service.release(id)
    await eventually(() => assert.deepEqual(linksOf(), []))
    assert.doesNotMatch(host.run('cat /proc/self/mounts'), new RegExp(`${host.folder}/run/bridges`))
    assert.match(await host.ask('tcp', allOf('wide')[0]?.ipv4 ?? '', 80), / hello$/)
  })
})

void describe('a network on three bridges', () => {
  let host: PrivateHost
  let service: LocalNetworkService
  before(async () => {
    host = await PrivateHost.enter()
    service = openNetworkService({
      kernel: linuxKernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true, bridgePorts: small,
    })
    await service.recover(new Set())
    await host.serve(host.outside, 90)
  })
  after(async () => {
    await service.purge()
    await host.leave()
  })

  /** One container on each bridge, by a server of its own: its process and its address. */
  const spread = async (network: string): Promise<{ pid: number; ipv4: string }[]> => {
    const crowdPid = await host.namespace()
    const servers: { pid: number; ipv4: string }[] = []
    for (let number = 0; number < small + 3; number++) {
      const isServer = [0, 2, small + 2].includes(number)
      const pid = isServer ? await host.namespace(80) : crowdPid
      const { id, ipv4 } = await service.allocate({ networkId: service.get(network).id, containerId: `${network}-${number}`, containerName: `${network}-${number}` })
      await service.attach(id, pid)
      if (isServer) servers.push({ pid, ipv4 })
    }
    return servers
  }

  void it('is one link layer', async () => {
    await service.create(request('loud', '10.90.0.0/16'))
    const servers = await spread('loud')
    assert.equal(host.run('ip -o link').match(/gnlk\d+-[0-9a-f]{8}/g)?.length, 2)
    for (const { pid, ipv4: own } of servers) for (const { ipv4 } of servers) if (ipv4 !== own) assert.equal(await host.ask('tcp', ipv4, 80, pid), `${own} hello`)
  })

  void it('keeps containers apart where there is no traffic between them, and lets all of them out', async () => {
    await service.create(request('quiet', '10.91.0.0/16', { 'com.docker.network.bridge.enable_icc': 'false' }))
    const servers = await spread('quiet')
    const answers = await Promise.all(servers.flatMap(({ pid, ipv4: own }) => servers.filter(({ ipv4 }) => ipv4 !== own).map(({ ipv4 }) => host.ask('tcp', ipv4, 80, pid))))
    assert.deepEqual(answers, Array.from({ length: 6 }, () => 'silence'))
    for (const { pid, ipv4 } of servers) {
      assert.equal(await host.ask('tcp', '10.77.0.2', 90, pid), '10.77.0.1 hello')
      assert.equal(await host.ask('tcp', ipv4, 80), '10.91.0.1 hello')
    }
  })
})
