import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { type NetworkHost, connect, makeHost } from './harness/network-host.ts'
import { read } from './harness/processes.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'

interface Link {
  ifindex: number
  ifname: string
  link_index?: number
  mtu: number
  address: string
  master?: string
}

const web = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www'

const fetch = (from: NetworkHost, url: string) => eventually(() => from.must(['curl', '-s', '-g', '--max-time', '3', url]), 5000)
const links = async (host: NetworkHost, ...filter: string[]) => JSON.parse(await host.must(['ip', '-j', 'link', 'show', ...filter])) as Link[]

throughEachClient('network', (stage) => {
  let neighbour: NetworkHost
  let hostAddress: string
  let neighbourAddress: string
  before(async () => {
    neighbour = await makeHost()
    const ends = await connect(stage.engine.host, neighbour, { subnet: '10.221.7' })
    hostAddress = ends.a
    neighbourAddress = ends.b
  })
  after(async () => {
    await stage.engine.host.run(['ip', 'link', 'delete', 'eth0'])
    await neighbour.close()
  })

  void test('the default bridge is docker0 with the first address of its subnet', async () => {
    const addresses = await stage.engine.host.must(['ip', '-4', '-o', 'address', 'show', 'docker0'])
    assert.match(addresses, /inet 172\.\d+\.\d+\.1\/16/)
  })

  void test('a container has one end of a veth pair, whose other end is in the bridge without an address', async () => {
    await using container = await stage.container(tools, 'sleep', '99')
    const inside = JSON.parse(await stage.ok('exec', container.id, 'ip', '-j', 'link')) as Link[]
    assert.deepEqual(inside.map((link) => link.ifname), ['lo', 'eth0'])
    const eth0 = inside[1]
    const outside = (await links(stage.engine.host, 'master', 'docker0')).find((link) => link.ifindex === eth0?.link_index)
    assert.equal(outside?.link_index, eth0?.ifindex)
    assert.match(outside?.ifname ?? '', /^veth/)
    assert.equal(await stage.engine.host.must(['ip', '-4', '-o', 'address', 'show', 'dev', outside?.ifname ?? '']), '')
    assert.equal(eth0?.mtu, 1500)
    assert.match(eth0?.address ?? '', /^.[26ae]:/, 'locally administered unicast')
  })

  void test('inspect tells the address that the container has', async () => {
    await using container = await stage.container(tools, 'sleep', '99')
    const address = await container.inspect('{{.NetworkSettings.IPAddress}}')
    assert.match(await stage.ok('exec', container.id, 'ip', '-4', '-o', 'address', 'show', 'eth0'), new RegExp(`inet ${address}/16`))
    assert.match(await stage.ok('exec', container.id, 'ip', 'route'), /^default via 172\.\d+\.\d+\.1 dev eth0/m)
    assert.match(await stage.ok('exec', container.id, 'cat', '/etc/hosts'), new RegExp(`^${address}\t${container.id.slice(0, 12)}$`, 'm'))
  })

  void test('two containers reach each other by address', async () => {
    await using server = await stage.container(tiny, 'sh', '-c', web)
    const address = await server.inspect('{{.NetworkSettings.IPAddress}}')
    // Not wget: Debian's static busybox crashes when it looks up names without the libraries of its libc.
    const get = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${address} 80`
    const page = await eventually(() => stage.ok('run', '--rm', tiny, 'sh', '-c', get))
    assert.equal(page.split('\n').at(-1), server.id.slice(0, 12))
  })

  void test('a published TCP port answers from another host, from the host address and from loopback', async () => {
    await using server = await stage.container('-p', '10520:80', tiny, 'sh', '-c', web)
    const expected = server.id.slice(0, 12)
    assert.equal(await fetch(neighbour, `http://${hostAddress}:10520/`), expected)
    assert.equal(await fetch(stage.engine.host, `http://${hostAddress}:10520/`), expected)
    assert.equal(await fetch(stage.engine.host, 'http://127.0.0.1:10520/'), expected)
    assert.equal(await fetch(stage.engine.host, 'http://[::1]:10520/'), expected)
    // Older clients write the address without brackets.
    assert.deepEqual((await stage.ok('port', server.id)).replace(' :::', ' [::]:').split('\n').toSorted(), ['80/tcp -> 0.0.0.0:10520', '80/tcp -> [::]:10520'])
  })

  void test('two containers both serve port 80, each behind its own port', async () => {
    await using first = await stage.container('-p', '80', tiny, 'sh', '-c', web)
    await using second = await stage.container('-p', '127.0.0.1::80', tiny, 'sh', '-c', web)
    for (const server of [first, second]) {
      const port = /:(\d+)$/m.exec(await stage.ok('port', server.id, '80'))?.[1]
      assert.equal(await fetch(stage.engine.host, `http://127.0.0.1:${port}/`), server.id.slice(0, 12))
    }
    assert.match(await stage.engine.host.must(['nsenter', `--net=/proc/${first.pid}/ns/net`, 'ss', '-ltn']), /:80\b/)
    assert.match(await stage.ok('ps', '--filter', `id=${first.id}`, '--format', '{{.Ports}}'), /^0\.0\.0\.0:\d+->80\/tcp, (\[::\]|::):\d+->80\/tcp$/)
  })

  void test('a published UDP port echoes from another host', async () => {
    await using server = await stage.container('-p', '10521:9999/udp', tiny, 'udp-echo', '9999')
    assert.ok(server.pid > 0)
    for (const [from, to] of [
      [neighbour, hostAddress],
      [stage.engine.host, hostAddress],
      [stage.engine.host, '127.0.0.1'],
    ] as const) {
      const ask = `exec 3<>/dev/udp/${to}/10521; echo "me at ${to}" >&3; timeout 1 head -n 1 <&3`
      await eventually(async () => assert.equal((await from.run(['bash', '-c', ask])).stdout.trim(), `me at ${to}`))
    }
  })

  void test('a caller of UDP that never pauses reaches each new container behind the port at once', async () => {
    // The caller keeps its port, so that the kernel keeps its flow.
    const ask = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 40123)); s.settimeout(0.3); s.connect(('${hostAddress}', 10523))
for n in range(10):
  try:
    s.send(b'hello'); print(s.recv(99).decode()); break
  except OSError: pass
`
    const call = async () => (await neighbour.run(['python3', '-c', ask])).stdout.trim()
    assert.equal(await call(), '')
    for (let round = 0; round < 3; round++) {
      await using server = await stage.container('-p', '10523:9999/udp', tiny, 'udp-echo', '9999')
      assert.ok(server.pid > 0)
      assert.equal(await call(), 'hello', `container ${round}`)
    }
    assert.equal(await call(), '')
  })

  void test('outbound traffic carries the address of the host', async () => {
    // The server answers with the address that it sees.
    const server = neighbour.run(['timeout', '20', '/bin/busybox', 'nc', '-l', '-p', '7070', '-e', '/bin/sh', '-c', 'ss -tn state established sport = :7070'])
    await eventually(() => neighbour.must(['sh', '-c', 'ss -ltn | grep -q :7070']))
    const answer = await stage.ok('run', '--rm', tiny, 'sh', '-c', `sleep 1 | nc ${neighbourAddress} 7070`)
    assert.match(answer, new RegExp(`[\\s:]${hostAddress.replaceAll('.', '\\.')}\\]?:\\d+`))
    await server
    assert.equal(await stage.engine.host.must(['cat', '/proc/sys/net/ipv4/ip_forward']), '1')
  })

  void test('--net=host is the network of the host, with its name', async () => {
    assert.equal(await stage.ok('run', '--rm', '--net=host', tiny, 'hostname'), hostname())
    assert.match(await stage.ok('run', '--rm', '--net=host', tools, 'ip', 'address'), /docker0/)
    const sockets = async (...flags: string[]) => (await stage.ok('run', '--rm', ...flags, tools, 'ss', '-xl')).includes(stage.engine.socket)
    assert.equal(await sockets('--net=host'), true)
    assert.equal(await sockets(), false)
  })

  for (const mode of ['bridge', 'host', 'none']) {
    void test(`resolv.conf, hosts and hostname are the engine's own files on the ${mode} network`, async () => {
      await using container = await stage.container('--net', mode, tiny, 'sleep', '99')
      const mounts = read(`/proc/${container.pid}/mountinfo`).match(/ \/etc\/(resolv\.conf|hosts|hostname) /g)
      assert.equal(mounts?.length, 3)
      const name = mode === 'host' ? hostname() : container.id.slice(0, 12)
      assert.equal(await stage.ok('exec', container.id, 'cat', '/etc/hostname'), name)
      assert.match(await stage.ok('exec', container.id, 'cat', '/etc/hosts'), /^127\.0\.0\.1\s+localhost$/m)
    })
  }

  void test('the none network has a loopback and nothing else', async () => {
    const inside = await stage.ok('run', '--rm', '--net=none', tools, 'ip', '-o', 'address')
    assert.deepEqual([...new Set(inside.split('\n').map((line) => line.split(/\s+/)[1]))], ['lo'])
    assert.match(inside, /127\.0\.0\.1\/8/)
  })

  void test('network ls has the three default networks', async () => {
    const rows = (await stage.ok('network', 'ls', '--format', '{{.ID}} {{.Name}} {{.Driver}} {{.Scope}}')).split('\n').toSorted((a, b) => a.slice(13).localeCompare(b.slice(13)))
    assert.deepEqual(rows.map((row) => row.slice(13)), ['bridge bridge local', 'host host local', 'none null local'])
    for (const row of rows) assert.match(row, /^[0-9a-f]{12} /)
  })

  void test('a port in use is refused with 125, its reason, and nothing left', async () => {
    await using holder = await stage.container('-p', '10530:80', tiny, 'sleep', '99')
    assert.ok(holder.pid > 0)
    const before = (await links(stage.engine.host)).length
    const { code, stderr } = await stage.docker('run', '-d', '--name', 'late', '-p', '10530:80', tiny, 'sleep', '99')
    assert.equal(code, 125)
    assert.match(stderr, /Bind for (0\.0\.0\.0|:::?):10530 failed: port is already allocated/)
    assert.equal((await links(stage.engine.host)).length, before)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}}', 'late'), 'created')
    await stage.ok('rm', 'late')
  })

  void test('a port that another program holds is refused', async () => {
    const other = stage.engine.host.run(['timeout', '8', '/bin/busybox', 'nc', '-l', '-p', '10531'])
    await eventually(() => stage.engine.host.must(['sh', '-c', 'ss -ltn | grep -q :10531']))
    const { code, stderr } = await stage.docker('run', '--rm', '-p', '10531:80', tiny, 'true')
    assert.equal(code, 125)
    assert.match(stderr, /address already in use/)
    await other
  })
})
