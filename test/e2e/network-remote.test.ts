import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'

const sockets = '/run/docker/plugins'
const web = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www'

interface Place {
  IPAddress: string
  IPPrefixLen: number
  Gateway: string
  MacAddress: string
}

throughEachClient('networks of plugins', (stage) => {
  let name: string
  let socket: string
  let plugin: ChildProcess | undefined

  const file = (word: string) => path.join(stage.engine.directory, `plugin-${word}`)
  const calls = (method: string) => (existsSync(file('calls')) ? readFileSync(file('calls'), 'utf8') : '').split('\n').filter((line) => line.startsWith(`/${method} `)).map((line) => JSON.parse(line.slice(method.length + 2)) as Record<string, unknown>)
  const state = () => JSON.parse(readFileSync(file('state'), 'utf8')) as { pools: Record<string, { taken: string[] }>; networks: Record<string, string>; endpoints: string[] }
  const place = async (id: string, network: string) => (JSON.parse(await stage.ok('inspect', '-f', '{{json .NetworkSettings.Networks}}', id)) as Record<string, Place>)[network]
  const links = async () => (JSON.parse(await stage.engine.host.must(['ip', '-j', 'link'])) as { ifname: string }[]).map(({ ifname }) => ifname).filter((link) => /^p[bhi]-/.test(link))

  async function startPlugin() {
    const [program = '', ...enter] = stage.engine.host.enter
    plugin = spawn(program, [...enter, process.execPath, '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'harness/network-plugin.ts'), socket, file('state'), file('calls')], { stdio: ['ignore', 'inherit', 'inherit'] })
    await eventually(() => assert.ok(existsSync(socket)))
  }
  async function stopPlugin() {
    if (plugin === undefined || plugin.exitCode !== null || plugin.signalCode !== null) return
    const gone = once(plugin, 'exit')
    plugin.kill('SIGKILL')
    await gone
    rmSync(socket, { force: true })
  }

  before(async () => {
    name = `e2e-${path.basename(stage.engine.directory).replaceAll(/[^\w]/g, '')}`
    socket = path.join(sockets, `${name}.sock`)
    mkdirSync(sockets, { recursive: true })
    await startPlugin()
  })
  after(stopPlugin)

  void test('a plugin gives a container its interface and its address, and hears of every step', async () => {
    const id = await stage.ok('network', 'create', '-d', name, '--ipam-driver', name, '--ipam-opt', 'colour=blue', '-o', 'flavour=sweet', '--label', 'tier=web', 'plugged')
    const [created] = calls('NetworkDriver.CreateNetwork') as { NetworkID: string; IPv4Data: { Pool: string; Gateway: string }[]; Options: Record<string, unknown> }[]
    assert.deepEqual([created?.NetworkID, created?.IPv4Data[0]?.Pool, created?.IPv4Data[0]?.Gateway, created?.Options['com.docker.network.generic']], [id, '10.63.0.0/24', '10.63.0.1/24', { flavour: 'sweet' }])
    assert.deepEqual(calls('IpamDriver.RequestPool')[0], { AddressSpace: 'here', Pool: '', SubPool: '', Options: { colour: 'blue' }, V6: false })
    const [shown] = JSON.parse(await stage.ok('network', 'inspect', 'plugged')) as { Driver: string; IPAM: unknown; Options: unknown }[]
    assert.deepEqual([shown?.Driver, shown?.IPAM, shown?.Options], [name, { Driver: name, Options: { colour: 'blue' }, Config: [{ Subnet: '10.63.0.0/24', Gateway: '10.63.0.1' }] }, { flavour: 'sweet' }])
    {
      await using server = await stage.container('--name', 'server', '--network', 'plugged', '-p', '10590:80', tiny, 'sh', '-c', web)
      const at = await place(server.id, 'plugged')
      assert.deepEqual([at?.IPAddress, at?.IPPrefixLen, at?.Gateway], ['10.63.0.2', 24, '10.63.0.1'])
      assert.match(at?.MacAddress ?? '', /^06:00:/)
      const [join] = calls('NetworkDriver.Join') as { EndpointID: string }[]
      const [inner] = JSON.parse(await stage.engine.host.must(['nsenter', `--net=/proc/${server.pid}/ns/net`, 'ip', '-j', 'address', 'show', 'plug0'])) as { address: string; addr_info: { local: string }[] }[]
      assert.deepEqual([inner?.address, inner?.addr_info[0]?.local], [at?.MacAddress, '10.63.0.2'])
      const routes = await stage.engine.host.must(['nsenter', `--net=/proc/${server.pid}/ns/net`, 'ip', 'route'])
      assert.match(routes, /default via 10\.63\.0\.1 dev plug0/)
      assert.match(routes, /10\.99\.0\.0\/16 via 10\.63\.0\.254 dev plug0/)
      const [external] = calls('NetworkDriver.ProgramExternalConnectivity') as { EndpointID: string; Options: Record<string, unknown> }[]
      assert.equal(external?.EndpointID, join?.EndpointID)
      assert.deepEqual(external?.Options['com.docker.network.portmap'], [{ Proto: 6, IP: '', Port: 80, HostIP: '', HostPort: 10590, HostPortEnd: 10590 }])
      assert.equal(await stage.ok('port', server.id, '80'), '0.0.0.0:10590')
      const asked = await stage.docker('run', '--rm', '--network', 'plugged', '--ip', '10.63.0.77', tools, 'sh', '-c', "ip -o address show plug0; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 server 80")
      assert.match(asked.stderr, /user specified IP address is supported only when connecting to networks with user configured subnets/)
      const plain = await stage.docker('run', '--rm', '--network', 'plugged', tools, 'sh', '-c', "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 server 80")
      assert.ok(plain.stdout.includes(server.id.slice(0, 12)), plain.stderr)
    }
    for (const method of ['RevokeExternalConnectivity', 'Leave', 'DeleteEndpoint']) assert.equal(calls(`NetworkDriver.${method}`).length, 2, method)
    assert.deepEqual([state().endpoints, Object.values(state().pools)[0]?.taken, (await links()).length], [[], ['10.63.0.1'], 1])
    await stage.ok('network', 'rm', 'plugged')
    assert.deepEqual([state(), await links()], [{ pools: {}, networks: {}, endpoints: [] }, []])
  })

  void test('one plugin gives the addresses of a bridge network; the engine gives those of a network of the plugin', async () => {
    await stage.ok('network', 'create', '--ipam-driver', name, '--subnet', '10.64.0.0/24', '--gateway', '10.64.0.9', '--aux-address', 'router=10.64.0.2', 'bridged')
    await stage.ok('network', 'create', '-d', name, '--subnet', '10.65.0.0/24', 'driven')
    {
      await using one = await stage.container('--network', 'bridged', '--ip', '10.64.0.50', tiny, 'sleep', '600')
      await using other = await stage.container('--network', 'driven', tiny, 'sleep', '600')
      assert.deepEqual([(await place(one.id, 'bridged'))?.IPAddress, (await place(one.id, 'bridged'))?.Gateway], ['10.64.0.50', '10.64.0.9'])
      assert.equal((await place(other.id, 'driven'))?.IPAddress, '10.65.0.2')
      assert.deepEqual(Object.values(state().pools).map(({ taken }) => taken.toSorted()), [['10.64.0.2', '10.64.0.50', '10.64.0.9']])
      const taken = await stage.docker('run', '--rm', '--network', 'bridged', '--ip', '10.64.0.50', tiny, 'true')
      assert.match(taken.stderr, /IpamDriver\.RequestAddress: address 10\.64\.0\.50 is taken/)
    }
    await stage.ok('network', 'rm', 'bridged', 'driven')
    assert.deepEqual(state(), { pools: {}, networks: {}, endpoints: [] })
  })

  void test('a plugin hears when its network becomes the way out of a running container, and when it is that no longer', async () => {
    await stage.ok('network', 'create', '-d', name, '--ipam-driver', name, 'turning')
    {
      await using box = await stage.container(tiny, 'sleep', '600')
      const heard = () => [calls('NetworkDriver.ProgramExternalConnectivity').length, calls('NetworkDriver.RevokeExternalConnectivity').length]
      const [programmed = 0, revoked = 0] = heard()
      await stage.ok('network', 'connect', 'turning', box.id)
      assert.deepEqual(heard(), [programmed, revoked])
      await stage.ok('network', 'disconnect', 'bridge', box.id)
      assert.deepEqual(heard(), [programmed + 1, revoked])
      await stage.ok('network', 'connect', 'bridge', box.id)
      assert.deepEqual(heard(), [programmed + 1, revoked + 1])
    }
    await stage.ok('network', 'rm', 'turning')
  })

  void test('kill -9 of the engine, and a plugin that is away: what lives goes on, what ended is given back', async () => {
    await stage.ok('network', 'create', '-d', name, '--ipam-driver', name, 'lasting')
    {
      await using lasting = await stage.container('--network', 'lasting', tools, 'sleep', '600')
      const ending = await stage.ok('run', '-d', '--network', 'lasting', tiny, 'sleep', '600')
      const pid = Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', ending))
      const kept = await place(lasting.id, 'lasting')
      const before = calls('NetworkDriver.CreateNetwork').length
      await stage.engine.kill9()
      process.kill(pid, 'SIGKILL')
      await stage.engine.start()
      assert.equal(calls('NetworkDriver.CreateNetwork').length, before)
      assert.deepEqual([state().endpoints.length, Object.values(state().pools)[0]?.taken], [1, ['10.63.0.1', kept?.IPAddress]])
      assert.deepEqual(await place(lasting.id, 'lasting'), kept)
      assert.match(await stage.ok('exec', lasting.id, 'ping', '-c', '1', '-W', '2', '10.63.0.1'), /1 packets received/)
      await stage.ok('rm', ending)

      const running = await stage.ok('run', '-d', '--network', 'lasting', tiny, 'sleep', '600')
      await stage.ok('network', 'disconnect', 'lasting', running)
      await stage.ok('network', 'connect', 'lasting', running)
      assert.equal(state().endpoints.length, 2)
      await stopPlugin()
      const refused = await stage.docker('run', '--rm', '--network', 'lasting', tiny, 'true')
      assert.match(refused.stderr, /plugin "e2e-\w+" not found/)
      await stage.ok('rm', '-f', running)
      await startPlugin()
    }
    await stage.ok('network', 'rm', 'lasting')
    // What the plugin did not hear of.
    for (const link of await links()) if (link.startsWith('ph-')) await stage.engine.host.must(['ip', 'link', 'delete', link])
    rmSync(file('state'), { force: true })
    await stopPlugin()
    await startPlugin()
  })

  void test('what a plugin refuses, and what is no plugin', async () => {
    const refused = async (args: string[], text: RegExp) => {
      const answer = await stage.docker(...args)
      assert.match(answer.stderr, text)
      assert.equal(answer.code, 1)
    }
    await refused(['network', 'create', '-d', name, '-o', 'refuse=today', 'no'], /NetworkDriver\.CreateNetwork: the plugin refuses: today/)
    await refused(['network', 'create', '-d', 'nobody', 'no'], /plugin "nobody" not found/)
    await refused(['network', 'create', '--ipam-driver', 'nobody', 'no'], /plugin "nobody" not found/)
    await refused(['network', 'create', '-d', '../../etc/passwd', 'no'], /plugin "\.\.\/\.\.\/etc\/passwd" not found/)
    const other = `${name}-volumes`
    const server = createServer((_, response) => response.end('{"Implements": ["VolumeDriver"]}')).listen(path.join(sockets, `${other}.sock`))
    try {
      await refused(['network', 'create', '-d', other, 'no'], /found but does not implement NetworkDriver/)
    } finally {
      server.close()
    }
    assert.equal(await stage.ok('network', 'ls', '-q', '--filter', 'type=custom'), '')
  })
})
