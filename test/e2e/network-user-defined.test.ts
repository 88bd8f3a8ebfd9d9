import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { type NetworkHost, connect, makeHost } from './harness/network-host.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'

const web = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www'
const get = (address: string) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 ${address} 80 | tail -n 1`

const ofLink = (text: string) => text.split('\n').filter((line) => line.startsWith('MY_DB_')).toSorted()

interface Endpoint {
  EndpointID: string
  IPAddress: string
  GlobalIPv6Address: string
  MacAddress: string
  Gateway: string
  DNSNames: string[] | null
  Aliases: string[] | null
}

const fetch = (from: NetworkHost, url: string) => eventually(() => from.must(['curl', '-s', '-g', '--max-time', '2', url]), 5000)
const silent = async (from: NetworkHost, url: string) => assert.notEqual((await from.run(['curl', '-s', '-g', '--max-time', '1', url])).code, 0)

throughEachClient('user-defined networks', (stage) => {
  let neighbour: NetworkHost
  let hostAddress: string

  const endpoints = async (id: string) => JSON.parse(await stage.ok('inspect', '-f', '{{json .NetworkSettings.Networks}}', id)) as Record<string, Endpoint>
  const refused = async (args: string[], text: RegExp, code = 1) => {
    const answer = await stage.docker(...args)
    assert.match(answer.stderr, text)
    assert.equal(answer.code, code, answer.stderr)
  }
  const networks = async (...args: string[]) => {
    for (const line of args) await stage.ok('network', 'create', ...line.split(' '))
    return {
      async [Symbol.asyncDispose]() {
        await stage.ok('network', 'rm', ...args.map((line) => line.split(' ').at(-1) ?? ''))
      },
    }
  }

  before(async () => {
    neighbour = await makeHost()
    const ends = await connect(stage.engine.host, neighbour, { subnet: '10.221.8' })
    hostAddress = ends.a
    for (const [host, address] of [[stage.engine.host, 'fd77::1/64'], [neighbour, 'fd77::2/64']] as const) {
      await host.must(['ip', 'address', 'add', address, 'dev', 'eth0', 'nodad'])
    }
  })
  after(async () => {
    await stage.engine.host.run(['ip', 'link', 'delete', 'eth0'])
    await neighbour.close()
  })

  void test('an address that another container had a moment ago is found at once at its new owner', async () => {
    await stage.ok('network', 'create', '--subnet', '10.83.7.0/24', 'reused')
    await using asking = await stage.container('--network', 'reused', tiny, 'sleep', '600')
    for (const word of ['first', 'second']) {
      await using answering = await stage.container('--network', 'reused', '--ip', '10.83.7.77', tiny, 'sh', '-c', `mkdir /w; echo ${word} > /w/index.html; exec httpd -f -p 80 -h /w`)
      assert.notEqual(answering.pid, 0)
      const ask = 'printf "GET / HTTP/1.0\\r\\n\\r\\n" > /tmp/ask; for i in 1 2 3 4 5 6 7 8 9 10; do timeout 1 nc 10.83.7.77 80 < /tmp/ask && exit; sleep 0.1; done'
      const inside = await stage.docker('exec', asking.id, 'sh', '-c', ask)
      assert.equal(inside.stdout.trim().split('\n').at(-1), word, inside.stderr)
      const asked = await stage.engine.host.run(['curl', '-s', '--retry', '3', '--retry-connrefused', '--max-time', '2', 'http://10.83.7.77/'])
      assert.equal(asked.stdout.trim(), word)
    }
    await stage.docker('rm', '-f', asking.id)
    await stage.ok('network', 'rm', 'reused')
  })

  void test('a network is made, shown with all its keys, filtered and removed', async () => {
    const id = await stage.ok('network', 'create', '--subnet', '10.31.0.0/16', '--ip-range', '10.31.5.0/24', '--gateway', '10.31.0.9', '--aux-address', 'router=10.31.5.2',
      '--label', 'tier=web', '--attachable', '-o', 'com.docker.network.driver.mtu=1400', '-o', 'com.docker.network.bridge.name=brx0', 'one')
    const [shown] = JSON.parse(await stage.ok('network', 'inspect', 'one')) as Record<string, unknown>[]
    assert.equal(shown?.['Id'], id)
    const { Created, ...rest } = shown ?? {}
    assert.ok(Date.parse(String(Created)) > 0)
    assert.deepEqual(rest, {
      Name: 'one', Id: id, Scope: 'local', Driver: 'bridge', EnableIPv4: true, EnableIPv6: false,
      IPAM: { Driver: 'default', Options: {}, Config: [{ Subnet: '10.31.0.0/16', IPRange: '10.31.5.0/24', Gateway: '10.31.0.9', AuxiliaryAddresses: { router: '10.31.5.2' } }] },
      Internal: false, Attachable: true, Ingress: false, ConfigFrom: { Network: '' }, ConfigOnly: false, Containers: {},
      Options: { 'com.docker.network.driver.mtu': '1400', 'com.docker.network.bridge.name': 'brx0' }, Labels: { tier: 'web' },
    })
    assert.match(await stage.engine.host.must(['ip', '-4', '-o', 'address', 'show', 'brx0']), /10\.31\.0\.9\/16/)
    assert.equal(await stage.ok('network', 'ls', '-q', '--no-trunc', '--filter', 'label=tier=web'), id)
    assert.equal(await stage.ok('network', 'ls', '-q', '--no-trunc', '--filter', 'type=custom', '--filter', 'driver=bridge'), id)
    await using box = await stage.container('--network', 'one', tools, 'sleep', '99')
    assert.match(await stage.ok('exec', box.id, 'ip', '-o', 'link', 'show', 'eth0'), /mtu 1400/)
    assert.match(await stage.ok('exec', box.id, 'ip', 'route'), /^default via 10\.31\.0\.9 dev eth0/m)
    assert.match((await endpoints(box.id))['one']?.IPAddress ?? '', /^10\.31\.5\.(?!2$)\d+$/)
    assert.deepEqual((await endpoints(box.id))['one']?.DNSNames?.slice(-1), [box.id.slice(0, 12)])
    await refused(['network', 'rm', 'one'], /error while removing network: network one id [0-9a-f]{64} has active endpoints \(name:"[^"]+" id:"[0-9a-f]{12}"\)/)
    await stage.ok('kill', box.id)
    assert.equal(await stage.ok('network', 'rm', 'one'), 'one')
    assert.equal((await stage.engine.host.run(['ip', 'link', 'show', 'brx0'])).code, 1)
  })

  void test('a scope that is asked for is shown', async () => {
    await stage.ok('network', 'create', '--scope', 'global', 'wide')
    assert.equal(await stage.ok('network', 'inspect', '-f', '{{.Scope}} {{.Driver}}', 'wide'), 'global bridge')
    assert.equal(await stage.ok('network', 'ls', '--filter', 'scope=global', '--format', '{{.Name}} {{.Scope}}'), 'wide global')
    await stage.ok('network', 'rm', 'wide')
  })

  void test('an auxiliary address is never given, and a full subnet says so', async () => {
    await using _ = await networks('--subnet 172.16.16.128/29 --aux-address my-router=172.16.16.130 small')
    const ids: string[] = []
    const given: string[] = []
    for (let number = 0; number < 4; number++) {
      const id = await stage.ok('run', '-d', '--network', 'small', tiny, 'sleep', '99')
      ids.push(id)
      given.push((await endpoints(id))['small']?.IPAddress ?? '')
    }
    assert.deepEqual(given.toSorted(), ['172.16.16.131', '172.16.16.132', '172.16.16.133', '172.16.16.134'])
    await refused(['run', '--rm', '--network', 'small', tiny, 'true'], /no available IPv4 addresses on this network's address pools/, 125)
    await stage.ok('rm', '-f', ...ids)
  })

  void test('networks are isolated from each other; an internal one has no way out', async () => {
    await using _ = await networks('left', 'right', '--internal inside')
    await using server = await stage.container('--network', 'left', '-p', '10540:80', tiny, 'sh', '-c', web)
    const address = (await endpoints(server.id))['left']?.IPAddress ?? ''
    const ask = (network: string, target: string) => stage.docker('run', '--rm', '--network', network, tiny, 'sh', '-c', get(target))
    await eventually(async () => assert.equal((await ask('left', address)).stdout.trim(), server.id.slice(0, 12)))
    assert.equal((await ask('right', address)).stdout.trim(), '')
    assert.equal((await ask('bridge', address)).stdout.trim(), '')
    await using shut = await stage.container('--network', 'inside', tools, 'sleep', '99')
    assert.equal(await stage.ok('exec', shut.id, 'ip', 'route', 'show', 'default'), '')
    // A way that somebody makes leads nowhere.
    const bridge = `br-${(await stage.ok('network', 'inspect', '-f', '{{.Id}}', 'inside')).slice(0, 12)}`
    const gateway = /inet ([\d.]+)/.exec(await stage.engine.host.must(['ip', '-4', '-o', 'address', 'show', bridge]))?.[1] ?? ''
    await stage.engine.host.must(['nsenter', `--net=/proc/${shut.pid}/ns/net`, 'ip', 'route', 'add', 'default', 'via', gateway])
    const outside = await stage.engine.host.run(['nsenter', `--net=/proc/${shut.pid}/ns/net`, '/bin/busybox', 'ping', '-c', '1', '-W', '1', '10.221.8.2'])
    assert.notEqual(outside.code, 0)
  })

  void test('with icc off containers do not meet, but published ports work', async () => {
    await using _ = await networks('-o com.docker.network.bridge.enable_icc=false quiet')
    await using server = await stage.container('--network', 'quiet', '-p', '10541:80', tiny, 'sh', '-c', web)
    const address = (await endpoints(server.id))['quiet']?.IPAddress ?? ''
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10541/`), server.id.slice(0, 12))
    assert.equal((await stage.docker('run', '--rm', '--network', 'quiet', tiny, 'sh', '-c', get(address))).stdout.trim(), '')
    assert.match(await stage.ok('run', '--rm', '--network', 'quiet', tools, 'ping', '-c', '1', '-W', '2', '10.221.8.2'), /1 (packets )?received/)
  })

  void test('connect and disconnect act on a running container; the default route follows the priority, ports move along', async () => {
    await using _ = await networks('--subnet 10.41.0.0/24 first', '--subnet 10.42.0.0/24 second')
    await using box = await stage.container('--network', 'first', '-p', '10542:80', '--name', 'mover', tools, 'sh', '-c', 'mkdir -p /www; echo moved > /www/index.html; exec busybox httpd -f -p 80 -h /www')
    const route = () => stage.ok('exec', 'mover', 'ip', 'route', 'show', 'default')
    assert.match(await route(), /via 10\.41\.0\.1 dev eth0/)
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10542/`), 'moved')
    await stage.ok('network', 'connect', '--ip', '10.42.0.77', '--alias', 'db', '--gw-priority', '10', 'second', 'mover')
    assert.match(await stage.ok('exec', 'mover', 'ip', '-4', '-o', 'address', 'show', 'eth1'), /10\.42\.0\.77\/24/)
    assert.match(await route(), /via 10\.42\.0\.1 dev eth1/)
    assert.match(await stage.ok('exec', 'mover', 'cat', '/etc/hosts'), /^10\.42\.0\.77\t/m)
    assert.deepEqual((await endpoints(box.id))['second']?.Aliases, ['db'])
    assert.match(await stage.engine.host.must(['nft', 'list', 'ruleset']), /tcp \. 10542 : 10\.42\.0\.77 \. 80/)
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10542/`), 'moved')
    await refused(['network', 'connect', 'second', 'mover'], /endpoint with name mover already exists in network second/)
    await refused(['network', 'connect', 'host', 'mover'], /container cannot be disconnected from host network or connected to host network/)
    await refused(['network', 'connect', 'none', 'mover'], /cannot be connected to multiple networks with one of the networks in private \(none\) mode/)
    await stage.ok('network', 'disconnect', 'second', 'mover')
    assert.doesNotMatch(await stage.ok('exec', 'mover', 'ip', '-o', 'link'), /eth1/)
    assert.match(await route(), /via 10\.41\.0\.1 dev eth0/)
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10542/`), 'moved')
    await refused(['network', 'disconnect', 'second', 'mover'], /container [0-9a-f]{64} is not connected to network second/)
    await stage.ok('stop', '-t', '0', 'mover')
    await stage.ok('network', 'connect', 'second', 'mover')
    await stage.ok('network', 'disconnect', 'first', 'mover')
    await stage.ok('start', 'mover')
    assert.match(await stage.ok('exec', 'mover', 'ip', '-4', '-o', 'address', 'show', 'eth0'), /10\.42\.0\./)
  })

  void test('what was asked for is kept over restarts; generated is what was not', async () => {
    await using _ = await networks('--subnet 10.43.0.0/24 kept', '--subnet 10.44.0.0/24 also')
    await using box = await stage.container('--network', 'name=kept,ip=10.43.0.50,mac-address=0a:00:00:00:00:50,alias=x,gw-priority=-1,driver-opt=com.docker.network.endpoint.ifname=wan0', '--network', 'also', tools, 'sleep', '99')
    const check = async () => {
      const { kept, also } = await endpoints(box.id)
      assert.equal(kept?.IPAddress, '10.43.0.50')
      assert.equal(kept?.MacAddress, '0a:00:00:00:00:50')
      assert.match(await stage.ok('exec', box.id, 'ip', '-o', 'link', 'show', 'wan0'), /0a:00:00:00:00:50/)
      assert.match(await stage.ok('exec', box.id, 'ip', 'route', 'show', 'default'), /via 10\.44\.0\.1/)
      return also?.MacAddress
    }
    const before = await check()
    await stage.ok('restart', '-t', '0', box.id)
    assert.notEqual(await check(), before)
    await refused(['run', '--rm', '--network', 'kept', '--ip', '10.43.0.50', tiny, 'true'], /Address already in use/, 125)
  })

  void test('IPv6: alone and beside IPv4, published on [::], and hidden behind the host on the way out', async () => {
    await using _ = await networks('--ipv6 --subnet 10.45.0.0/24 --subnet fd45::/64 both', '--ipv6 --ipv4=false --subnet fd46::/64 only6')
    const serve = 'mkdir -p /www; echo six > /www/index.html; exec busybox httpd -f -p [::]:80 -h /www'
    await using dual = await stage.container('--network', 'both', '--ip6', 'fd45::50', '-p', '10543:80', tools, 'sh', '-c', serve)
    await using six = await stage.container('--network', 'only6', '-p', '10544:80', tools, 'sh', '-c', serve)
    assert.equal((await endpoints(dual.id))['both']?.GlobalIPv6Address, 'fd45::50')
    assert.equal((await endpoints(six.id))['only6']?.IPAddress, '')
    assert.match(await stage.ok('exec', six.id, 'ip', '-6', 'route'), /^default via fd46::1 dev eth0/m)
    assert.doesNotMatch(await stage.ok('exec', six.id, 'ip', '-o', 'address', 'show', 'eth0'), /inet /)
    for (const port of [10_543, 10_544]) {
      assert.equal(await fetch(neighbour, `http://[fd77::1]:${port}/`), 'six')
      assert.equal(await fetch(stage.engine.host, `http://[::1]:${port}/`), 'six')
    }
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10543/`), 'six')
    assert.match(await stage.engine.host.must(['nft', 'list', 'table', 'ip6', 'gantry-docker0']), /tcp \. 10543 : fd45::50 \. 80/)
    assert.match(await stage.ok('exec', six.id, 'ping', '-6', '-c', '1', '-W', '2', 'fd77::2'), /1 (packets )?received/)
    // Neighbour discovery on the bridge.
    assert.match(await stage.ok('run', '--rm', '--network', 'both', tools, 'ping', '-6', '-c', '1', '-W', '2', 'fd45::50'), /1 (packets )?received/)
    await neighbour.must(['ip', '-6', 'route', 'add', 'fd45::/64', 'via', 'fd77::1'])
    await silent(neighbour, 'http://[fd45::50]/')
  })

  void test('macvlan puts a container on the wire of its parent, with a MAC of its own', async () => {
    await using _ = await networks('-d macvlan --subnet 10.221.8.0/24 --gateway 10.221.8.1 -o parent=eth0 ourvlan')
    await using box = await stage.container('--network', 'ourvlan', '--ip', '10.221.8.77', tools, 'sleep', '99')
    assert.match(await stage.ok('network', 'ls'), /ourvlan +macvlan +local/)
    assert.match(await stage.ok('exec', box.id, 'ip', '-d', 'link', 'show', 'eth0'), /macvlan mode bridge/)
    const { ourvlan } = await endpoints(box.id)
    assert.match(await neighbour.must(['/bin/busybox', 'ping', '-c', '1', '-W', '2', '10.221.8.77']), /1 (packets )?received/)
    assert.match(await neighbour.must(['ip', 'neigh', 'show', '10.221.8.77']), new RegExp(ourvlan?.MacAddress ?? 'none'))
    assert.notEqual((await stage.engine.host.run(['/bin/busybox', 'ping', '-c', '1', '-W', '1', '10.221.8.77'])).code, 0, 'the parent and its children do not meet')
    await refused(['network', 'create', '-d', 'macvlan', '-o', 'parent=eth0', 'again'], /is already using parent interface eth0/)
    await refused(['network', 'create', '-d', 'macvlan', '-o', 'parent=nowhere', 'x'], /invalid subinterface vlan name nowhere, example formatting is eth0\.10/)
    await refused(['network', 'create', '-d', 'macvlan', '-o', 'parent=nowhere.7', 'x'], /failed to find master interface nowhere on the Docker host/)
    await refused(['network', 'create', '-d', 'macvlan', '-o', 'macvlan_mode=odd', 'x'], /requested macvlan mode 'odd' is not valid, 'bridge' mode is the macvlan driver default/)
    await stage.ok('network', 'disconnect', 'ourvlan', box.id)
    assert.doesNotMatch(await stage.ok('exec', box.id, 'ip', '-o', 'link'), /eth0/)
  })

  void test('a container in the network of another shares everything of it', async () => {
    await using _ = await networks('shared')
    await using owner = await stage.container('--network', 'shared', tools, 'sleep', '99')
    const address = (await endpoints(owner.id))['shared']?.IPAddress ?? ''
    assert.match(await stage.ok('run', '--rm', '--network', `container:${owner.id}`, tools, 'ip', '-o', 'address'), new RegExp(`inet ${address}/`))
    await using guest = await stage.container('--network', `container:${owner.id}`, tiny, 'sleep', '99')
    await refused(['network', 'connect', 'bridge', guest.id], /container sharing network namespace with another container or host cannot be connected to any other network/)
  })

  void test('a link on the default bridge is a name in /etc/hosts', async () => {
    await using db = await stage.container('--name', 'linked', tiny, 'sleep', '99')
    const address = await db.inspect('{{.NetworkSettings.IPAddress}}')
    assert.match(await stage.ok('run', '--rm', '--link', 'linked:database', tiny, 'cat', '/etc/hosts'), new RegExp(`^${address}\tdatabase ${db.id.slice(0, 12)} linked$`, 'm'))
    await stage.ok('stop', '-t', '0', 'linked')
    await refused(['run', '--rm', '--link', 'linked:database', tiny, 'true'], /cannot link to a non running container: \/linked AS database/, 125)
  })

  void test('a link tells its container what the other one exposes, and its variables', async () => {
    await using db = await stage.container('--name', 'store-1', '--expose', '5432', '--expose', '6000-6001', '--expose', '53/udp', '-e', 'COLOUR=blue', tiny, 'sleep', '99')
    const address = await db.inspect('{{.NetworkSettings.IPAddress}}')
    await using box = await stage.container('--name', 'asking', '--link', 'store-1:my-db', '-e', 'MY_DB_PORT_53_UDP_ADDR=mine', tiny, 'sleep', '99')
    const expected = [
      'NAME=/asking/my-db', 'ENV_COLOUR=blue', `PORT=udp://${address}:53`,
      ...[['53', 'udp'], ['5432', 'tcp'], ['6000', 'tcp'], ['6001', 'tcp']].flatMap(([port, protocol]) => {
        const name = `PORT_${port}_${protocol?.toUpperCase()}`
        return [`${name}=${protocol}://${address}:${port}`, `${name}_ADDR=${port === '53' ? 'mine' : address}`, `${name}_PORT=${port}`, `${name}_PROTO=${protocol}`]
      }),
      `PORT_6000_TCP_START=tcp://${address}:6000`, 'PORT_6000_TCP_PORT_START=6000', `PORT_6000_TCP_END=tcp://${address}:6001`, 'PORT_6000_TCP_PORT_END=6001',
    ].map((line) => `MY_DB_${line}`).toSorted()
    assert.deepEqual(ofLink(await stage.ok('exec', box.id, 'cat', '/proc/1/environ').then((text) => text.replaceAll('\0', '\n'))), expected)
    await stage.engine.kill9()
    await stage.engine.start()
    assert.deepEqual(ofLink(await stage.ok('exec', box.id, 'env')), expected)
  })

  void test('a network of settings alone: others have theirs from it, and no container can be on it', async () => {
    await stage.ok('network', 'create', '--config-only', '--subnet', '10.51.0.0/24', '-o', 'com.docker.network.driver.mtu=1410', '--label', 'tier=web', 'settings')
    await stage.ok('network', 'create', '--config-from', 'settings', '--attachable', 'settled')
    const shown = async (name: string) => {
      const [{ Driver, IPAM, Options, Labels, ConfigFrom, ConfigOnly, Attachable }] = JSON.parse(await stage.ok('network', 'inspect', name)) as [Record<string, unknown>]
      return [Driver, (IPAM as { Config: unknown }).Config, Options, Labels, ConfigFrom, ConfigOnly, Attachable]
    }
    const common = [{ 'com.docker.network.driver.mtu': '1410' }, { tier: 'web' }]
    assert.deepEqual(await shown('settings'), ['null', [{ Subnet: '10.51.0.0/24' }], ...common, { Network: '' }, true, false])
    assert.deepEqual(await shown('settled'), ['bridge', [{ Subnet: '10.51.0.0/24', Gateway: '10.51.0.1' }], ...common, { Network: 'settings' }, false, true])
    assert.match(await stage.ok('run', '--rm', '--network', 'settled', tools, 'ip', '-o', 'link', 'show', 'eth0'), /mtu 1410/)
    await refused(['run', '--rm', '--network', 'settings', tiny, 'true'], /cannot create endpoint on configuration-only network/, 125)
    await refused(['network', 'rm', 'settings'], /configuration network "settings" is in use/)
    await refused(['network', 'create', '--config-from', 'nowhere', 'x'], /configuration network "nowhere" does not exist/)
    await refused(['network', 'create', '--config-from', 'settings', '--subnet', '10.52.0.0/24', 'x'], /user specified configurations are not supported if the network depends on a configuration network/)
    await refused(['network', 'create', '--config-from', 'settings', '-o', 'a=b', 'x'], /network driver options are not supported if the network depends on a configuration network/)
    await refused(['network', 'create', '--config-only', '--internal', 'x'], /configuration network can only contain network specific fields/)
    await stage.engine.kill9()
    await stage.engine.start()
    assert.deepEqual((await shown('settled'))[4], { Network: 'settings' })
    await stage.ok('network', 'rm', 'settled', 'settings')
  })

  void test('link-local addresses and switches of an interface are its own', async () => {
    await using _ = await networks('near')
    await using box = await stage.container('--network', 'name=near,link-local-ip=169.254.5.5,link-local-ip=fe80::99', tools, 'sleep', '99')
    const addresses = await stage.ok('exec', box.id, 'ip', '-o', 'address', 'show', 'eth0')
    for (const text of ['inet 169.254.5.5/16', 'inet6 fe80::99/64']) assert.ok(addresses.includes(text), addresses)
    assert.deepEqual(JSON.parse(await stage.ok('inspect', '-f', '{{json .NetworkSettings.Networks.near.IPAMConfig}}', box.id)), { LinkLocalIPs: ['169.254.5.5', 'fe80::99'] })
    await stage.ok('network', 'connect', '--link-local-ip', '169.254.6.6', '--driver-opt', '"com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.IFNAME.delay_first_probe_time=7"', 'bridge', box.id)
    assert.equal(await stage.ok('exec', box.id, 'sh', '-c', 'cd /proc/sys/net/ipv4; cat conf/eth1/log_martians conf/eth0/log_martians neigh/eth1/delay_first_probe_time'), '1\n0\n7')
    await refused(['run', '--rm', '--network', 'name=near,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.ip_forward=1', tiny, 'true'], /unrecognised network interface sysctl 'net\.ipv4\.ip_forward=1'/, 125)
    await refused(['run', '--rm', '--network', 'name=near,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.nothing=1', tiny, 'true'], /cannot set sysctl net\.ipv4\.conf\.eth0\.nothing to 1: (EACCES|ENOENT)/, 125)
    assert.match(await stage.ok('exec', box.id, 'ip', '-o', 'address', 'show', 'eth1'), /inet 169\.254\.6\.6\/16/)
    await refused(['network', 'connect', '--link-local-ip', 'here', 'none', box.id], /container cannot be connected to multiple networks|invalid link-local IP address: here/)
    await stage.ok('rm', '-f', box.id)
  })

  void test('an answer over UDP comes from the address that was called, of the many that the host has', async () => {
    await stage.engine.host.must(['ip', 'address', 'add', '10.221.8.50/24', 'dev', 'eth0'])
    await stage.engine.host.must(['ip', 'address', 'add', 'fd77::50/64', 'dev', 'eth0', 'nodad'])
    await using server = await stage.container('-p', '10561:9999/udp', tiny, 'udp-echo', '9999')
    assert.ok(server.pid > 0)
    for (const address of ['10.221.8.50', '10.221.8.1', 'fd77::1', 'fd77::50', 'fd77::1']) {
      // A connected socket takes no answer from elsewhere.
      const ask = `exec 3<>/dev/udp/${address}/10561; echo "me at ${address}" >&3; timeout 1 head -n 1 <&3`
      await eventually(async () => assert.equal((await neighbour.run(['bash', '-c', ask])).stdout.trim(), `me at ${address}`))
    }
  })

  void test('without a network of its own a container exposes nothing', async () => {
    await using owner = await stage.container('--expose', '99', tiny, 'sleep', '99')
    const shown = (id: string) => Promise.all([stage.ok('inspect', '-f', '{{json .NetworkSettings.Ports}}', id), stage.ok('ps', '--filter', `id=${id}`, '--format', '{{.Ports}}')])
    assert.deepEqual(await shown(owner.id), ['{"99/tcp":null}', '99/tcp'])
    for (const mode of ['host', 'none']) {
      await using box = await stage.container('--network', mode, '--expose', '99', tiny, 'sleep', '99')
      assert.deepEqual(await shown(box.id), ['{}', ''])
    }
  })

  void test('where a network has no IPv6 nobody can bring any in', async () => {
    await using _ = await networks('plain4', '--ipv6 --subnet fd48::/64 both')
    await using box = await stage.container('--network', 'plain4', tools, 'sleep', '99')
    await stage.ok('network', 'connect', 'both', box.id)
    const states = await stage.ok('exec', box.id, 'sh', '-c', 'cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6 /proc/sys/net/ipv6/conf/eth1/disable_ipv6')
    assert.deepEqual(states.split('\n'), ['1', '0'])
    assert.doesNotMatch(await stage.ok('exec', box.id, 'cat', '/proc/net/if_inet6'), /eth0/)
    assert.match(await stage.ok('exec', box.id, 'cat', '/proc/net/if_inet6'), /eth1/)
  })

  void test('a stopped container knows its networks, and can leave one that is gone', async () => {
    const id = await stage.ok('network', 'create', 'passing')
    const box = await stage.ok('create', '--name', 'left', '--hostname', 'left.corp.test', '--network', 'passing', tiny, 'sleep', '99')
    await stage.ok('start', 'left')
    assert.match(await stage.ok('exec', 'left', 'cat', '/etc/hosts'), /^\d+\.\d+\.\d+\.\d+\tleft\.corp\.test left$/m)
    await stage.ok('kill', 'left')
    const stopped = (JSON.parse(await stage.ok('inspect', '-f', '{{json .NetworkSettings.Networks.passing}}', 'left'))) as Record<string, unknown>
    assert.equal(stopped['NetworkID'], id)
    assert.deepEqual(stopped['DNSNames'], ['left', box.slice(0, 12), 'left.corp.test'])
    assert.equal(stopped['IPAddress'], '')
    assert.equal(await stage.ok('ps', '-aq', '--no-trunc', '--filter', `network=${id}`), box)
    assert.equal(await stage.ok('network', 'ls', '-q', '--no-trunc', '--filter', 'name=^pass.*g$'), id)
    await stage.ok('network', 'rm', 'passing')
    await refused(['start', 'left'], /network passing not found/)
    await stage.ok('network', 'disconnect', 'passing', 'left')
    await refused(['network', 'disconnect', 'passing', 'left'], /network passing not found/)
    await stage.ok('network', 'connect', 'bridge', 'left')
    await stage.ok('start', 'left')
    await stage.ok('rm', '-f', 'left')
  })

  void test('what is wrong is refused, with status and text', async () => {
    await using _ = await networks('--subnet 10.47.0.0/16 there')
    const calls: [string, string, unknown, number, RegExp][] = [
      ['POST', '/networks/create', { Name: 'there' }, 409, /^network with name there already exists$/],
      ['POST', '/networks/create', { Name: 'bridge' }, 403, /^operation is not permitted on predefined bridge network$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.47.9.0/24' }] } }, 403, /Pool overlaps with other one on this address space$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.48.0.1/24' }] } }, 400, /invalid subnet 10\.48\.0\.1\/24: it should be 10\.48\.0\.0\/24$/],
      ['POST', '/networks/create', { Name: 'x', Driver: 'nothing' }, 404, /nothing/],
      ['POST', '/networks/create', { Name: 'x', Driver: 'host' }, 403, /^only one instance of "host" network is allowed$/],
      ['POST', '/networks/create', { Name: 'x', EnableIPv4: false }, 400, /IPv4 or IPv6 must be enabled/],
      ['POST', '/networks/create', { Name: 'x', Options: { 'com.docker.network.bridge.enable_icc': 'maybe' } }, 400, /enable_icc/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.48.0.0/24', Gateway: '10.48.0.0' }] } }, 403, /^failed to allocate gateway \(10\.48\.0\.0\): Address already in use$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.48.0.0/24', Gateway: '10.48.0.255' }] } }, 403, /^failed to allocate gateway \(10\.48\.0\.255\): Address already in use$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.48.0.0/24', Gateway: '10.48.0.1', AuxiliaryAddresses: { a: '10.48.0.1' } }] } }, 403, /^failed to allocate secondary ip address \(a:10\.48\.0\.1\): Address already in use$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.48.0.0/24', AuxiliaryAddresses: { a: '10.48.0.7', b: '10.48.0.7' } }] } }, 403, /^failed to allocate secondary ip address \(b:10\.48\.0\.7\): Address already in use$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: '10.48.0.0/24' }, { Subnet: '10.49.0.0/24' }] } }, 403, /^bridge driver doesn't support multiple subnets$/],
      ['POST', '/networks/create', { Name: 'x', IPAM: { Driver: 'null' } }, 400, /^ipv4 pool is empty$/],
      ['POST', '/networks/create', { Name: 'x', Driver: 'overlay' }, 503, /^This node is not a swarm manager\./],
      ['POST', '/networks/create', { Name: 'x', Options: { 'com.docker.network.driver.mtu': '-1' } }, 400, /^invalid MTU number: -1$/],
      ['POST', '/networks/create', { Name: 'x', Options: { 'com.docker.network.bridge.host_binding_ipv4': 'wrong' } }, 400, /^failed to parse com\.docker\.network\.bridge\.host_binding_ipv4 value: wrong \(nil ip\)$/],
      ['POST', '/networks/create', { Name: 'x', Options: { 'com.docker.network.bridge.name': 'eth0' } }, 409, /^existing interface eth0 is not a bridge$/],
      ['DELETE', '/networks/bridge', undefined, 403, /^bridge is a pre-defined network and cannot be removed$/],
      ['DELETE', '/networks/nowhere', undefined, 404, /^network nowhere not found$/],
      ['POST', '/networks/nowhere/connect', { Container: 'x' }, 404, /^network nowhere not found$/],
      ['POST', '/networks/there/connect', { Container: 'nobody' }, 404, /^No such container: nobody$/],
    ]
    for (const [method, path, body, status, text] of calls) {
      const answer = await stage.engine.api({ method, path, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const { message } = JSON.parse(answer.text) as { message: string }
      assert.match(message, text)
      assert.equal(answer.status, status, message)
    }
    await refused(['run', '--rm', '--network', 'nowhere', tiny, 'true'], /network nowhere not found/, 125)
    await refused(['run', '--rm', '--network', 'there', '--ip', '10.9.9.9', tiny, 'true'], /no configured subnet contains IP address 10\.9\.9\.9/, 125)
    await refused(['run', '--rm', '--ip', '172.17.0.9', tiny, 'true'], /user specified IP address is supported on user defined networks only/, 125)
    await refused(['run', '--rm', '--network', 'container:', tiny, 'true'], /Invalid network mode: invalid container format container:<name\|id>/, 125)
    await using other = await stage.container(tiny, 'sleep', '99')
    await refused(['run', '--rm', '--network', `container:${other.id}`, '--link', other.id, tiny, 'true'], /conflicting options: container type network can't be used with links\. This would result in undefined behavior/, 125)
    await refused(['run', '--rm', '--network', 'host', '--link', other.id, tiny, 'true'], /conflicting options: host type networking can't be used with links\. This would result in undefined behavior/, 125)
    await refused(['network', 'connect', 'host', other.id], /container cannot be disconnected from host network or connected to host network/)
    await refused(['network', 'create', '--subnet', '10.48.0.0/24', '--gateway', '10.49.0.1', 'x'], /no matching subnet for gateway 10\.49\.0\.1/)
  })

  void test('ten thousand ports are one rule, or with other numbers one map, and add no process', async () => {
    const proxies = async () => (await stage.engine.host.run(['sh', '-c', 'ss -lunpH | grep -c ":2[0-9][0-9][0-9][0-9] "'])).stdout.trim()
    {
      await using box = await stage.container('-p', '20000-30000:20000-30000/udp', '--publish', 'mode=ingress,published=10545,target=80', tiny, 'sh', '-c', web)
      assert.match(await stage.engine.host.must(['nft', 'list', 'ruleset']), /udp \. 20000-30000 : /)
      assert.equal(await fetch(neighbour, `http://${hostAddress}:10545/`), box.id.slice(0, 12))
      assert.equal(await stage.ok('port', box.id, '25000/udp'), '0.0.0.0:25000')
      assert.equal(await proxies(), '0')
    }
    await using shifted = await stage.container('-p', '20000-30000:30000-40000/udp', tiny, 'udp-echo', '35000')
    assert.equal(await stage.ok('port', shifted.id, '35000/udp'), '0.0.0.0:25000')
    assert.equal(await proxies(), '0')
    const ask = `exec 3<>/dev/udp/${hostAddress}/25000; echo far >&3; timeout 1 head -n 1 <&3`
    await eventually(async () => assert.equal((await neighbour.run(['bash', '-c', ask])).stdout.trim(), 'far'))
  })

  void test('a killed engine finds its networks, addresses and ports again', async () => {
    await using _ = await networks('--subnet 10.50.0.0/24 lasting', '--subnet 10.51.0.0/24 second')
    await using box = await stage.container('--network', 'lasting', '--network', 'second', '-p', '10546:80', tools, 'sh', '-c', 'mkdir -p /www; echo still > /www/index.html; exec busybox httpd -f -p 80 -h /www')
    const before = await endpoints(box.id)
    const bridge = `br-${(await stage.ok('network', 'inspect', '-f', '{{.Id}}', 'lasting')).slice(0, 12)}`
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10546/`), 'still')
    await stage.engine.kill9()
    await stage.engine.host.must(['nft', 'flush', 'ruleset'])
    await stage.engine.host.must(['ip', 'link', 'delete', bridge])
    await stage.engine.start()
    assert.deepEqual(await endpoints(box.id), before)
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10546/`), 'still')
    const other = await stage.ok('run', '-d', '--network', 'lasting', tiny, 'sleep', '99')
    assert.notEqual((await endpoints(other))['lasting']?.IPAddress, before['lasting']?.IPAddress)
    await stage.ok('rm', '-f', other)
    await stage.ok('network', 'disconnect', 'lasting', box.id)
    assert.match(await stage.ok('exec', box.id, 'ip', 'route', 'show', 'default'), /via 10\.51\.0\.1/)
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10546/`), 'still')
  })

  void test('events tell of create, connect, disconnect, destroy and prune', async () => {
    const since = String(Date.now() / 1000)
    await stage.ok('network', 'create', '--label', 'gone=1', 'told')
    await stage.ok('run', '--rm', '--network', 'told', tiny, 'true')
    await stage.ok('network', 'rm', 'told')
    await stage.ok('network', 'create', '--label', 'gone=1', 'pruned')
    await stage.ok('network', 'create', 'stays')
    assert.match(await stage.ok('network', 'prune', '-f', '--filter', 'label=gone'), /^Deleted Networks:\npruned$/)
    await stage.ok('network', 'rm', 'stays')
    const events = await stage.ok('events', '--since', since, '--until', String(Date.now() / 1000), '--filter', 'type=network', '--format', '{{.Action}} {{index .Actor.Attributes "name"}} {{index .Actor.Attributes "type"}}')
    assert.deepEqual(events.split('\n').map((line) => line.replaceAll('<no value>', '').trim()),
      ['create told bridge', 'connect told bridge', 'disconnect told bridge', 'destroy told bridge', 'create pruned bridge', 'create stays bridge', 'destroy pruned bridge', 'prune', 'destroy stays bridge'])
  })
})
