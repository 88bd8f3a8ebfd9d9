import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { engineUnderTest, tiny, tools, throughEachClient } from './harness/stories.ts'

const plugins = ['/opt/cni/bin', '/usr/lib/cni'].find((folder) => existsSync(path.join(folder, 'bridge')))
const skip = plugins === undefined ? 'there are no CNI plugins (containernetworking-plugins)' : engineUnderTest !== 'gantryd' && 'other engines have no such driver'
const web = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www'

const create = (file: string, ...more: string[]) => ['network', 'create', '-d', 'cni', '-o', `conf=${file}`, ...more, 'no']

interface Place {
  IPAddress: string
  IPPrefixLen: number
  Gateway: string
  MacAddress: string
}

if (!skip) throughEachClient('networks of CNI', (stage) => {
  let folder: string

  const conf = (name: string, value: unknown): string => {
    const file = path.join(folder, name)
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))
    return file
  }
  const ipam = (subnet: string, more: object = {}, routes: object[] = [{ dst: '0.0.0.0/0' }]) => ({
    type: 'host-local', dataDir: path.join(folder, 'state'), ranges: [[{ subnet, ...more }]], routes,
  })
  /** Addresses that host-local has given, by network. */
  const given = (network: string) => {
    const state = path.join(folder, 'state', network)
    return existsSync(state) ? readdirSync(state).filter((name) => /^\d+\.\d+\.\d+\.\d+$/.test(name)) : []
  }
  const place = async (id: string, network: string) => (JSON.parse(await stage.ok('inspect', '-f', '{{json .NetworkSettings.Networks}}', id)) as Record<string, Place>)[network]
  const chain = () => ({
    cniVersion: '1.0.0', name: 'lan',
    plugins: [
      { type: 'bridge', bridge: 'cni-lan', isGateway: true, hairpinMode: true, capabilities: { mac: true, ips: true }, ipam: ipam('10.61.0.0/24') },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
      { type: 'tuning', capabilities: { mac: true } },
    ],
  })

  before(() => {
    folder = path.join(stage.engine.directory, 'cni')
    mkdirSync(folder)
  })
  after(async () => {
    // What the plugins keep for the next container.
    for (const link of ['cni-lan', 'cni-one']) await stage.engine.host.run(['ip', 'link', 'delete', link])
    for (const family of ['ip', 'ip6']) await stage.engine.host.run(['nft', 'delete', 'table', family, 'nat'])
  })

  void test('a chain of plugins gives a container its address, its ports and its names, and takes all of it away', async () => {
    const file = conf('lan.conflist', chain())
    const id = await stage.ok('network', 'create', '--driver', 'cni', '-o', `conf=${file}`, '-o', `bin=${plugins}`, 'lan')
    {
      await using server = await stage.container('--name', 'server', '--network', 'lan', '-p', '10580:80', '-p', '82', tiny, 'sh', '-c', web)
      const at = await place(server.id, 'lan')
      assert.match(at?.IPAddress ?? '', /^10\.61\.0\.\d+$/)
      assert.deepEqual([at?.IPPrefixLen, at?.Gateway, given('lan')], [24, '10.61.0.1', [at?.IPAddress]])
      const [link] = JSON.parse(await stage.engine.host.must(['nsenter', `--net=/proc/${server.pid}/ns/net`, 'ip', '-j', '-4', 'address', 'show', 'eth0'])) as { address: string; addr_info: { local: string }[] }[]
      assert.equal(link?.addr_info[0]?.local, at?.IPAddress)
      assert.match(at?.MacAddress ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
      const [shown] = JSON.parse(await stage.ok('network', 'inspect', 'lan')) as { Driver: string; Containers: Record<string, { Name: string; IPv4Address: string; MacAddress: string }> }[]
      assert.deepEqual([shown?.Driver, shown?.Containers[server.id]?.Name, shown?.Containers[server.id]?.IPv4Address], ['cni', 'server', `${at?.IPAddress}/24`])
      assert.match(await stage.ok('exec', server.id, 'cat', '/etc/hosts'), new RegExp(`^${at?.IPAddress}\t`, 'm'))

      assert.match(await stage.ok('port', server.id, '80'), /^0\.0\.0\.0:10580$/)
      assert.match(await stage.ok('port', server.id, '82'), /^0\.0\.0\.0:\d+$/)
      assert.equal((await eventually(() => stage.engine.host.must(['curl', '-s', '--max-time', '2', 'http://127.0.0.1:10580/']))).trim(), server.id.slice(0, 12))
      const asked = await stage.docker('run', '--rm', '--network', 'lan', '--ip', '10.61.0.77', '--mac-address', '02:00:00:00:00:77', tools, 'sh', '-c', "ip -o address show eth0; ip link show eth0; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 server 80")
      assert.match(asked.stdout, /10\.61\.0\.77\/24/)
      assert.match(asked.stdout, /02:00:00:00:00:77/)
      assert.ok(asked.stdout.includes(server.id.slice(0, 12)), asked.stderr)
      assert.equal(given('lan').length, 1)
    }
    await eventually(() => assert.deepEqual(given('lan'), []))
    assert.ok(!(await stage.engine.host.must(['iptables-save', '-t', 'nat'])).includes('10580'))
    assert.equal(await stage.ok('network', 'rm', 'lan'), 'lan')
    assert.match(id, /^[0-9a-f]{64}$/)
  })

  void test('a running container is connected and disconnected; the way out and the ports are where they were', async () => {
    const file = conf('two.conflist', { ...chain(), name: 'two' })
    await stage.ok('network', 'create', '--driver', 'cni', '-o', `conf=${file}`, 'two')
    await using box = await stage.container('-p', '10581:80', tools, 'sleep', '600')
    const inside = (...args: string[]) => stage.ok('exec', box.id, ...args)
    const before = await inside('ip', 'route')
    await stage.ok('network', 'connect', 'two', box.id)
    const at = await place(box.id, 'two')
    assert.match(await inside('ip', '-o', '-4', 'address', 'show', 'eth1'), new RegExp(`${at?.IPAddress}/24`))
    assert.match(await inside('ip', 'route'), new RegExp(`^${/default via \S+ dev eth0/.exec(before)?.[0] ?? 'none'}`, 'm'))
    await stage.ok('network', 'disconnect', 'two', box.id)
    assert.deepEqual([given('two'), (await stage.docker('exec', box.id, 'ip', 'link', 'show', 'eth1')).code], [[], 1])
    assert.equal(await inside('ip', 'route'), before)
    await stage.ok('network', 'rm', 'two')
  })

  void test('names are asked for where the plugins say, unless the container says otherwise', async () => {
    const dns = { nameservers: ['10.63.0.53'], search: ['lan.example'], options: ['timeout:1'] }
    const file = conf('names.conf', { cniVersion: '1.0.0', name: 'names', type: 'bridge', bridge: 'cni-lan', dns, ipam: ipam('10.63.0.0/24') })
    await stage.ok('network', 'create', '-d', 'cni', '-o', `conf=${file}`, 'names')
    {
      await using box = await stage.container('--network', 'names', tiny, 'sleep', '600')
      const text = await stage.ok('exec', box.id, 'cat', '/etc/resolv.conf')
      assert.match(text, /^nameserver 127\.0\.0\.11$/m)
      assert.match(text, /^search lan\.example$/m)
      assert.match(text, /^options timeout:1 ndots:0$/m)
      assert.match(text, /ExtServers: \[10\.63\.0\.53\]/)
      const own = await stage.ok('run', '--rm', '--network', 'names', '--dns', '10.63.0.99', '--dns-search', 'own.example', tiny, 'cat', '/etc/resolv.conf')
      assert.match(own, /^search own\.example$/m)
      assert.match(own, /ExtServers: \[10\.63\.0\.99\]/)
      await stage.ok('network', 'disconnect', 'names', box.id)
      assert.doesNotMatch(await stage.ok('exec', box.id, 'cat', '/etc/resolv.conf'), /lan\.example/)
    }
    await stage.ok('network', 'rm', 'names')
  })

  void test('a published port is had by one, whoever opens it; without somebody who opens it there is none', async () => {
    await stage.ok('network', 'create', '-d', 'cni', '-o', `conf=${conf('ports.conflist', { ...chain(), name: 'ports' })}`, 'ports')
    const plain = conf('plain.conf', { cniVersion: '1.0.0', name: 'plain', type: 'bridge', bridge: 'cni-lan', ipam: ipam('10.64.0.0/24') })
    await stage.ok('network', 'create', '-d', 'cni', '-o', `conf=${plain}`, 'plain')
    const taken = /driver failed programming external connectivity on endpoint .*: Bind for 0\.0\.0\.0:1058[23] failed: port is already allocated/
    const refused = async (text: RegExp, ...args: string[]) => {
      const { code, stderr } = await stage.docker('run', '--rm', ...args, tiny, 'true')
      assert.match(stderr, text)
      assert.equal(code, 125)
    }
    {
      await using foreign = await stage.container('--network', 'ports', '-p', '10582:80', tiny, 'sleep', '600')
      await using own = await stage.container('-p', '10583:80', tiny, 'sleep', '600')
      assert.notEqual(foreign.pid, own.pid)
      await refused(taken, '-p', '10582:80')
      await refused(taken, '--network', 'ports', '-p', '10582:80')
      await refused(taken, '--network', 'ports', '-p', '10583:80')
    }
    assert.equal(await stage.ok('run', '--rm', '-p', '10582:80', tiny, 'echo', 'free'), 'free')
    await refused(/cannot publish ports on network plain: no plugin of its CNI configuration has the capability "portMappings"/, '--network', 'plain', '-p', '10582:80')
    assert.deepEqual(given('plain'), [])
    await stage.ok('network', 'rm', 'ports', 'plain')
  })

  void test('kill -9 of the engine: the container keeps its address, and one that ended meanwhile has given it back', async () => {
    const file = conf('one.conf', { cniVersion: '0.4.0', name: 'one', type: 'bridge', bridge: 'cni-one', isDefaultGateway: true, ipMasq: true, ipam: ipam('10.62.0.0/24', {}, []) })
    await stage.ok('network', 'create', '--driver', 'cni', '-o', `conf=${file}`, 'one')
    {
      await using lasting = await stage.container('--network', 'one', tools, 'sleep', '600')
      const ending = await stage.ok('run', '-d', '--network', 'one', tiny, 'sleep', '600')
      const [kept, lost] = [await place(lasting.id, 'one'), await place(ending, 'one')]
      assert.deepEqual(given('one').toSorted((one, other) => one.localeCompare(other)), [kept?.IPAddress ?? '', lost?.IPAddress ?? ''].toSorted((one, other) => one.localeCompare(other)))
      const pid = Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', ending))
      await stage.engine.kill9()
      process.kill(pid, 'SIGKILL')
      await stage.engine.start()
      await eventually(() => assert.deepEqual(given('one'), [kept?.IPAddress]))
      assert.deepEqual(await place(lasting.id, 'one'), kept)
      assert.match(await stage.ok('exec', lasting.id, 'ping', '-c', '1', '-W', '2', '10.62.0.1'), /1 packets received/)
      assert.ok(!stage.engine.log().includes('is not as it should be'), 'CHECK failed')
      await stage.ok('rm', ending)
      assert.ok(!(await stage.engine.host.must(['iptables-save', '-t', 'nat'])).includes(`-s ${lost?.IPAddress}`), 'the dead one is still masqueraded')
    }
    await eventually(() => assert.deepEqual(given('one'), []))
    assert.deepEqual(JSON.parse(await stage.engine.host.must(['ip', '-j', 'link', 'show', 'master', 'cni-one'])), [])
    await stage.ok('network', 'rm', 'one')
  })

  void test('what cannot be is said in the words of who says it', async () => {
    const refused = async (args: string[], text: RegExp, code = 1) => {
      const answer = await stage.docker(...args)
      assert.match(answer.stderr, text)
      assert.equal(answer.code, code)
    }
    await refused(['network', 'create', '-d', 'cni', 'no'], /option "conf" must be the absolute path of a \.conf or \.conflist file/)
    await refused(create('/nowhere.conf'), /cannot use CNI configuration \/nowhere\.conf: ENOENT/)
    await refused(create(conf('bad.conf', '{')), /cannot use CNI configuration .*bad\.conf: .*JSON/)
    await refused(create(conf('path.conf', { name: 'x', type: '../sh' })), /a plugin has no valid "type"/)
    await refused(create(conf('none.conf', { name: 'x', type: 'no-such-plugin' })), /could not find CNI plugin no-such-plugin in \/opt\/cni\/bin, \/usr\/lib\/cni/)
    await refused(create(conf('lan.conflist', chain()), '--subnet', '10.1.0.0/16'), /cannot choose subnets for the network driver "cni": its configuration does/)

    const full = conf('full.conf', { cniVersion: '1.0.0', name: 'full', type: 'bridge', bridge: 'cni-lan', ipam: ipam('10.61.0.0/24', { rangeStart: '10.61.0.9', rangeEnd: '10.61.0.9' }) })
    await stage.ok('network', 'create', '-d', 'cni', '-o', `conf=${full}`, 'full')
    {
      await using first = await stage.container('--network', 'full', tiny, 'sleep', '600')
      assert.notEqual(first.pid, 0)
      await refused(['run', '--rm', '--network', 'full', tiny, 'true'], /failed to set up container networking: cannot connect to network full: CNI plugin bridge failed to ADD eth0: failed to allocate for range 0: no IP addresses available in range set: 10\.61\.0\.9-10\.61\.0\.9 \(code \d+\)/, 125)
      assert.deepEqual(given('full'), ['10.61.0.9'])
    }
    await stage.ok('network', 'rm', 'full')
  })
})
else void test('networks of CNI', { skip }, () => {})
