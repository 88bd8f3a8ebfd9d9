import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeClient } from './harness/client.ts'
import { eventually } from './harness/eventually.ts'
import { connect, makeHost } from './harness/network-host.ts'
import { tiny, throughEachClient } from './harness/stories.ts'

const web = 'mkdir -p /www; hostname > /www/index.html; httpd -p 81 -h /www; exec httpd -f -p 80 -h /www'

throughEachClient('ports of running containers', (stage) => {
  const get = async (url: string): Promise<string> => (await stage.engine.host.run(['curl', '-s', '-g', '--max-time', '2', url])).stdout.trim()

  void test('can be added and removed, stay after a restart, and leave the others as they are', async () => {
    const gantry = makeClient('gantry', stage.engine)
    await using box = await stage.container('-p', '10580:80', tiny, 'sh', '-c', web)
    const name = box.id.slice(0, 12)
    await eventually(async () => assert.equal(await get('http://127.0.0.1:10580/'), name))
    const before = (await box.inspect('{{.State.Pid}}'))
    assert.equal(await gantry.ok('port', 'add', box.id, '10581:81', '127.0.0.1:10582:81'), '81/tcp -> 0.0.0.0:10581\n81/tcp -> [::]:10581\n81/tcp -> 127.0.0.1:10582')
    for (const url of ['http://127.0.0.1:10581/', 'http://[::1]:10581/', 'http://127.0.0.1:10582/', 'http://127.0.0.1:10580/']) assert.equal(await get(url), name, url)
    assert.equal(await box.inspect('{{.State.Pid}}'), before)
    assert.deepEqual(JSON.parse(await box.inspect('{{json .HostConfig.PortBindings}}')), {
      '80/tcp': [{ HostIp: '', HostPort: '10580' }], '81/tcp': [{ HostIp: '', HostPort: '10581' }, { HostIp: '127.0.0.1', HostPort: '10582' }],
    })
    await stage.ok('restart', '-t', '0', box.id)
    await eventually(async () => assert.equal(await get('http://127.0.0.1:10581/'), name))
    await gantry.ok('port', 'rm', box.id, '127.0.0.1:10582:81')
    assert.equal(await get('http://127.0.0.1:10582/'), '')
    assert.equal(await get('http://127.0.0.1:10581/'), name)
    await gantry.ok('port', 'rm', box.id, '81')
    assert.equal(await get('http://127.0.0.1:10581/'), '')
    assert.equal(await stage.ok('port', box.id), '80/tcp -> 0.0.0.0:10580\n80/tcp -> [::]:10580')
    assert.equal(await get('http://127.0.0.1:10580/'), name)
  })

  void test('an ephemeral port keeps its number when others come, and can be named by it', async () => {
    const gantry = makeClient('gantry', stage.engine)
    await using box = await stage.container('-p', '80', tiny, 'sh', '-c', web)
    const number = await box.inspect('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}')
    await gantry.ok('port', 'add', box.id, '10583:81')
    assert.equal(await box.inspect('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}'), number)
    await gantry.ok('port', 'rm', box.id, `${number}:80`)
    assert.equal(await stage.ok('port', box.id), '81/tcp -> 0.0.0.0:10583\n81/tcp -> [::]:10583')
  })

  void test('of a range every port is shown, kept over a restart of the engine, and can go by itself', async () => {
    const gantry = makeClient('gantry', stage.engine)
    await using box = await stage.container('-p', '11000-11099:21000-21099', tiny, 'sh', '-c', 'mkdir /w; hostname > /w/index.html; exec httpd -f -p 21050 -h /w')
    const name = box.id.slice(0, 12)
    type Shown = { HostConfig: { PortBindings: Record<string, unknown> }; Config: { ExposedPorts: Record<string, unknown> }; NetworkSettings: { Ports: Record<string, unknown[]> } }
    const shown = async () => (JSON.parse(await stage.ok('inspect', box.id)) as Shown[])[0]
    const before = await shown()
    assert.deepEqual([before?.HostConfig.PortBindings, before?.Config.ExposedPorts, before?.NetworkSettings.Ports].map((table) => Object.keys(table ?? {}).length), [100, 100, 100])
    assert.deepEqual([before?.HostConfig.PortBindings['21050/tcp'], before?.NetworkSettings.Ports['21050/tcp']?.[0]], [[{ HostIp: '', HostPort: '11050' }], { HostIp: '0.0.0.0', HostPort: '11050' }])
    assert.match(await stage.ok('port', box.id, '21050'), /^0\.0\.0\.0:11050/)
    assert.match(await stage.ok('ps', '--filter', 'expose=21050', '--filter', 'publish=11050', '--format', '{{.ID}}'), new RegExp(`^${name}$`))
    await stage.engine.kill9()
    await stage.engine.start()
    assert.deepEqual(await shown(), before)
    await eventually(async () => assert.equal(await get('http://127.0.0.1:11050/'), name))
    await gantry.ok('port', 'rm', box.id, '21007')
    const after = await shown()
    assert.deepEqual([after?.HostConfig.PortBindings, after?.NetworkSettings.Ports].map((table) => Object.keys(table ?? {}).length), [99, 100])
    assert.equal(after?.NetworkSettings.Ports['21007/tcp'] ?? null, null)
    assert.equal(await get('http://127.0.0.1:11050/'), name)
    await stage.engine.kill9()
    await stage.engine.start()
    assert.equal((await shown())?.HostConfig.PortBindings['21007/tcp'], undefined)
    assert.equal((await stage.docker('run', '--rm', '-p', '11008:80', tiny, 'true')).code, 125)
    assert.equal(await stage.ok('run', '--rm', '-p', '11007:80', tiny, 'echo', 'free'), 'free')
  })

  void test('bad requests change nothing and say why', async () => {
    const gantry = makeClient('gantry', stage.engine)
    await using box = await stage.container('-p', '10584:80', tiny, 'sh', '-c', web)
    await using other = await stage.container('-p', '10585:80', tiny, 'sleep', '99')
    const failing = async (...words: string[]) => {
      const { code, stderr } = await gantry.docker('port', ...words)
      assert.notEqual(code, 0, words.join(' '))
      return stderr
    }
    assert.match(await failing('add', box.id, '10586:81', '10585:82'), /Bind for 0\.0\.0\.0:10585 failed: port is already allocated/)
    assert.match(await failing('rm', box.id, '99'), /No public port '99\/tcp' published for /)
    assert.match(await failing('rm', box.id, '10599:80'), /No public port '80\/tcp' published for /)
    assert.match(await failing('add', box.id, '80:x'), /invalid containerPort: x/)
    assert.match(await failing('add', 'nobody', '80'), /No such container: nobody/)
    assert.match(await failing('list', box.id, '80'), /requires at least 1 and at most 2 arguments/)
    assert.equal(await stage.ok('port', box.id), '80/tcp -> 0.0.0.0:10584\n80/tcp -> [::]:10584')
    await eventually(async () => assert.equal(await get('http://127.0.0.1:10584/'), box.id.slice(0, 12)))
    await using shared = await stage.container('--network', `container:${other.id}`, tiny, 'sleep', '99')
    assert.match(await failing('add', shared.id, '81'), /it has no network of its own/)
  })
})

throughEachClient('packets on their way', (stage) => {
  void test('are explained with the interfaces, routes and rules that there are, and their counters move', async () => {
    const gantry = makeClient('gantry', stage.engine)
    const neighbour = await makeHost()
    try {
      await connect(stage.engine.host, neighbour, { subnet: '10.221.8' })
      await using box = await stage.container('-p', '10590:80', tiny, 'sh', '-c', web)
      await eventually(() => neighbour.must(['curl', '-s', '--max-time', '1', 'http://10.221.8.1:10590/']))
      const veth = /veth[0-9a-f]{7}/.exec(await stage.engine.host.must(['ip', '-o', 'link', 'show', 'master', 'docker0']))?.[0] ?? ''
      const text = await gantry.ok('net', 'explain', box.id)
      assert.match(text, /^network bridge \(bridge\), 172\.17\./)
      for (const piece of ['in, 0.0.0.0:10590 -> 80/tcp', `interface   ${veth}: port of docker0`, 'interface   eth0: in the container', 'route       route in the container: default via 172.17.0.1 dev eth0',
        'chain       ip gantry-docker0 admitted: hook input priority 2147480000', 'chain       ip gantry-docker0 to-docker0', 'translation destination: 0.0.0.0:10590 becomes 172.17.']) assert.ok(text.includes(piece), `${piece}\n${text}`)
      // The order is the kernel's: the input rules, the translation, the forward rules, the bridge, the container.
      const order = ['admitted', 'gntx-', 'translation', 'hook forward', `${veth}: port`, 'eth0: in the container'].map((piece) => text.indexOf(piece))
      assert.deepEqual(order.toSorted((one, other) => one - other), order)
      const watching = gantry.ok('net', 'trace', '--seconds', '2', '--format', 'json', box.id)
      for (let round = 0; round < 10; round++) await neighbour.run(['curl', '-s', '--max-time', '1', 'http://10.221.8.1:10590/'])
      const { steps } = JSON.parse(await watching) as { steps: { at: string; name: string; text: string; packets: number }[] }
      const counted = (pattern: RegExp): number => steps.find(({ name, text: rule }) => pattern.test(`${name} ${rule}`))?.packets ?? 0
      assert.ok(counted(/to-docker0 ct status dnat accept/) >= 1, JSON.stringify(steps))
      assert.ok(counted(/^eth0 in the container/) >= 20)
      assert.ok(counted(/^gnrx-/) >= 1)
    } finally {
      await stage.engine.host.run(['ip', 'link', 'delete', 'eth0'])
      await neighbour.close()
    }
  })

  void test('a test packet says what came of it and what it met', async () => {
    const gantry = makeClient('gantry', stage.engine)
    await using box = await stage.container('-p', '10591:80', tiny, 'sh', '-c', web)
    const trace = async (port: string): Promise<string> => gantry.ok('net', 'trace', `${box.id}:${port}`)
    await eventually(async () => assert.match(await trace('80'), /^test packet to 127\.0\.0\.1:10591\/tcp: connected$/m))
    assert.match(await trace('80'), /interface\s+docker0: bridge\s+\[\d+ packets/)
    assert.match(await trace('8888'), /^test packet to 172\.17\.\d+\.\d+:8888\/tcp: refused$/m)
    assert.match(await trace('8888/udp'), /\/udp: refused$/m)
    await using none = await stage.container('--network', 'none', tiny, 'sleep', '99')
    assert.match(await gantry.ok('net', 'explain', none.id), /only its loopback interface/)
    await using hosted = await stage.container('--network', 'host', tiny, 'sleep', '99')
    assert.match(await gantry.ok('net', 'explain', hosted.id), /the host's own interfaces/)
    const { code, stderr } = await gantry.docker('net', 'explain', 'nobody')
    assert.equal(code, 1)
    assert.match(stderr, /No such container: nobody/)
  })
})
