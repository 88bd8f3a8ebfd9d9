import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { connect, makeHost } from './harness/network-host.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'

const web = 'mkdir -p /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www'

const flags = [
  '--bip=10.71.0.1/16', '--fixed-cidr=10.71.8.0/24', '--default-gateway=10.71.0.254', '--mtu=1420', '--icc=false', '--ip=127.0.0.1', '--ip-masq=false',
  '--ipv6', '--fixed-cidr-v6=fd71::/64', '--default-address-pool=base=10.72.0.0/16,size=24', '--default-network-opt=bridge=com.docker.network.driver.mtu=1390',
]

throughEachClient('network flags of the daemon', (stage) => {
  void test('the default bridge is what the flags say, and network inspect shows it', async () => {
    const [bridge] = JSON.parse(await stage.ok('network', 'inspect', 'bridge')) as [{ IPAM: { Config: unknown }; EnableIPv6: boolean; Options: unknown }]
    assert.deepEqual(bridge.IPAM.Config, [
      { Subnet: '10.71.0.0/16', IPRange: '10.71.8.0/24', Gateway: '10.71.0.1', AuxiliaryAddresses: { DefaultGatewayIPv4: '10.71.0.254' } },
      { Subnet: 'fd71::/64', IPRange: 'fd71::/64', Gateway: 'fd71::1' },
    ])
    assert.equal(bridge.EnableIPv6, true)
    assert.deepEqual(bridge.Options, {
      'com.docker.network.bridge.default_bridge': 'true', 'com.docker.network.bridge.enable_icc': 'false', 'com.docker.network.bridge.enable_ip_masquerade': 'false',
      'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1', 'com.docker.network.bridge.name': 'docker0', 'com.docker.network.driver.mtu': '1420',
    })
    assert.doesNotMatch(await stage.engine.host.must(['nft', 'list', 'table', 'ip', 'gantry-docker0']), /saddr 10\.71\.0\.0\/16 counter packets \d+ bytes \d+ masquerade$/m)
  })

  void test('a container gets addresses, MTU and way out by the flags', async () => {
    await using box = await stage.container(tools, 'sleep', '99')
    assert.match(await box.inspect('{{.NetworkSettings.IPAddress}}'), /^10\.71\.8\./)
    assert.match(await box.inspect('{{.NetworkSettings.GlobalIPv6Address}}'), /^fd71::/)
    assert.match(await stage.ok('exec', box.id, 'ip', 'route', 'show', 'default'), /via 10\.71\.0\.254/)
    assert.match(await stage.ok('exec', box.id, 'ip', 'link', 'show', 'eth0'), /mtu 1420/)
  })

  void test('ports are published where --ip says; containers of the default bridge do not meet', async () => {
    await using server = await stage.container('-p', '10560:80', tiny, 'sh', '-c', web)
    assert.equal(await stage.ok('port', server.id), '80/tcp -> 127.0.0.1:10560')
    assert.equal(await eventually(() => stage.engine.host.must(['curl', '-s', '--max-time', '2', 'http://127.0.0.1:10560/'])), server.id.slice(0, 12))
    const get = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 1 ${await server.inspect('{{.NetworkSettings.IPAddress}}')} 80`
    assert.equal((await stage.docker('run', '--rm', tiny, 'sh', '-c', get)).stdout, '')
  })

  void test('networks of users come from the pools of the daemon, with its default options', async () => {
    await stage.ok('network', 'create', 'pooled')
    assert.match(await stage.ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}} {{json .Options}}', 'pooled'), /^10\.72\.\d+\.0\/24 \{"com\.docker\.network\.driver\.mtu":"1390"\}$/)
    await stage.ok('network', 'rm', 'pooled')
  })

  void test('daemon.json says the same, and what is wrong there is refused', async () => {
    const file = path.join(stage.engine.directory, 'wrong.json')
    writeFileSync(file, JSON.stringify({ 'default-address-pools': [{ base: '10.73.0.0/16', size: 8 }] }))
    const { code, stderr } = await stage.engine.host.run([path.resolve('bin/gantryd'), '--config-file', file, '--data-root', path.join(stage.engine.directory, 'other')])
    assert.notEqual(code, 0)
    assert.match(stderr, /invalid pools: the size 8 does not fit the base 10\.73\.0\.0\/16/)
  })
}, { flags })

throughEachClient('networks without a userland proxy', (stage) => {
  void test('published ports go by the kernel alone: no process, hairpin, IPv6 to IPv6', async () => {
    await stage.ok('network', 'create', '--ipv6', '--subnet', 'fd75::/64', 'six')
    {
      await using server = await stage.container('--network', 'six', '-p', '10570:80', tiny, 'sh', '-c', web.replace('-p 80', '-p [::]:80'))
      const { host } = stage.engine
      await host.must(['sh', '-c', 'ip link show eth0 2>/dev/null || (ip link add eth0 type veth peer name eth0p; ip address add 10.76.0.1/24 dev eth0; ip address add fd76::1/64 dev eth0 nodad; ip link set eth0 up; ip link set eth0p up)'])
      const name = server.id.slice(0, 12)
      assert.equal(await eventually(() => host.must(['curl', '-s', '--max-time', '2', 'http://127.0.0.1:10570/'])), name)
      assert.equal(await host.must(['curl', '-s', '-g', '--max-time', '2', 'http://[fd76::1]:10570/']), name)
      assert.doesNotMatch(await host.must(['ss', '-ltnH']), /:10570/)
      const hairpin = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 10.76.0.1 10570 | tail -n 1`
      assert.equal(await stage.ok('exec', server.id, 'sh', '-c', hairpin), name)
      assert.match(await host.must(['sh', '-c', 'cat /sys/class/net/veth*/brport/hairpin_mode 2>/dev/null || bridge -d link']), /^1$|hairpin on/m)
      await host.must(['ip', 'link', 'delete', 'eth0'])
    }
    await stage.ok('network', 'rm', 'six')
  })

  void test('gateway mode routed opens published ports to a route, nat-unprotected opens them all', async () => {
    const neighbour = await makeHost()
    try {
      await connect(stage.engine.host, neighbour, { subnet: '10.221.9' })
      const answers = async (address: string, port: number) => (await neighbour.run(['curl', '-s', '--max-time', '1', `http://${address}:${port}/`])).code === 0
      for (const [mode, subnet, expected] of [['routed', '10.77.0', [true, false]], ['nat-unprotected', '10.78.0', [true, true]], ['nat', '10.79.0', [false, false]]] as const) {
        await stage.ok('network', 'create', '--subnet', `${subnet}.0/24`, '-o', `com.docker.network.bridge.gateway_mode_ipv4=${mode}`, mode)
        {
          await using box = await stage.container('--network', mode, '--ip', `${subnet}.50`, '-p', '80:80', tiny, 'sh', '-c', web.replace('exec', 'httpd -p 81 -h /www; exec'))
          await eventually(() => stage.engine.host.must(['curl', '-s', '--max-time', '1', `http://${subnet}.50:81/`]))
          await neighbour.must(['ip', 'route', 'add', `${subnet}.0/24`, 'via', '10.221.9.1'])
          assert.deepEqual([await answers(`${subnet}.50`, 80), await answers(`${subnet}.50`, 81)], expected, mode)
          assert.equal(await stage.ok('port', box.id), mode === 'routed' ? '' : '80/tcp -> 0.0.0.0:80')
          assert.equal(await answers('10.221.9.1', 80), mode !== 'routed')
        }
        await stage.ok('network', 'rm', mode)
      }
      await stage.engine.host.must(['ip', 'link', 'delete', 'eth0'])
    } finally {
      await neighbour.close()
    }
  })
}, { flags: ['--userland-proxy=false'] })

throughEachClient('an engine without a default network', (stage) => {
  void test('containers have only loopback unless they name a network', async () => {
    assert.deepEqual((await stage.ok('network', 'ls', '--format', '{{.Name}}')).split('\n').toSorted(), ['host', 'none'])
    assert.equal((await stage.engine.host.run(['ip', 'link', 'show', 'docker0'])).code, 1)
    const names = async (...args: string[]) => (JSON.parse(await stage.ok('run', '--rm', ...args, tools, 'ip', '-j', 'link')) as { ifname: string }[]).map(({ ifname }) => ifname)
    assert.deepEqual(await names(), ['lo'])
    assert.deepEqual(await names('--network', 'bridge'), ['lo'])
    await stage.ok('network', 'create', 'own')
    assert.deepEqual(await names('--network', 'own'), ['lo', 'eth0'])
    {
      await using box = await stage.container(tools, 'sleep', '99')
      await stage.ok('network', 'connect', 'own', box.id)
      assert.match(await stage.ok('exec', box.id, 'ip', 'route'), /^default via/m)
    }
    await stage.ok('network', 'rm', 'own')
  })
}, { flags: ['--bridge=none'] })
