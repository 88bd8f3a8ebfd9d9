import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { connect, makeHost } from './harness/network-host.ts'
import type { NetworkHost } from './harness/network-host.ts'
import { makePrivateEtc } from './harness/private-etc.ts'
import type { PrivateEtc } from './harness/private-etc.ts'
import { tiny, tools, throughEachClient } from './harness/stories.ts'
import type { Reply } from '../unit/net/dns/messages.ts'

const here = import.meta.dirname
let etc: PrivateEtc
before(async () => {
  etc = await makePrivateEtc()
  // The machine's servers are none of a test's business.
  await hostServers()
})
after(() => etc.close())

async function hostServers(...addresses: string[]): Promise<void> {
  const file = spawn(etc.enter[0] ?? '', [...etc.enter.slice(1), 'sh', '-c', 'cat > /etc/resolv.conf'], { stdio: ['pipe', 'ignore', 'inherit'] })
  file.stdin.end(addresses.map((address) => `nameserver ${address}\n`).join(''))
  await once(file, 'exit')
}

const inside = (pid: number): string[] => ['nsenter', `--net=/proc/${pid}/ns/net`]

/** A name server in a network namespace; `asked` is what it has been asked. */
async function nameServer(enter: readonly string[], address: string, behaviour: string): Promise<{ asked: string[] } & AsyncDisposable> {
  const [file, ...args] = [...enter, process.execPath, '--disable-warning=ExperimentalWarning', path.join(here, 'harness/name-server.ts'), address, behaviour]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const asked: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => asked.push(line))
  await once(lines, 'line')
  asked.length = 0
  return {
    asked,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}

throughEachClient('names of containers', (stage) => {
  let neighbour: NetworkHost

  /** Addresses or names that the container's own tool finds, or the failure that it tells. */
  const lookup = async (container: string, name: string, ...options: string[]): Promise<string[]> => {
    const { stdout } = await stage.docker('exec', container, 'nslookup', ...options, name)
    const failure = /can't find .*: (\w+)/.exec(stdout)?.[1]
    return failure === undefined ? [...stdout.matchAll(/^(?:Address: |.*\tname = )(\S+)$/gm)].map(([, found = '']) => found) : [failure]
  }
  const ask = async (pid: number, ...args: string[]): Promise<Reply[]> => {
    const stdout = await stage.engine.host.must([...inside(pid), process.execPath, '--disable-warning=ExperimentalWarning', path.join(here, 'harness/name-client.ts'), ...args])
    return stdout.trim().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Reply)
  }
  const address = (container: string, network: string) => stage.ok('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container)
  const resolverPid = () => Number(readFileSync(path.join(stage.engine.execRoot, 'network/dns.pid'), 'utf8'))
  const networks = async (...lines: string[]) => {
    for (const line of lines) await stage.ok('network', 'create', ...line.split(' '))
    return {
      async [Symbol.asyncDispose]() {
        await stage.ok('network', 'rm', ...lines.map((line) => line.split(' ').at(-1) ?? ''))
      },
    }
  }

  before(async () => {
    neighbour = await makeHost()
    await connect(stage.engine.host, neighbour, { subnet: '10.222.8' })
  })
  after(async () => {
    await stage.engine.host.run(['ip', 'link', 'delete', 'eth0'])
    await neighbour.close()
  })

  void test('name, alias, short id, host name and link are known on shared networks only', async () => {
    await using _ = await networks('front', '--ipv6 --subnet 10.81.0.0/24 --subnet fd81::/64 back')
    await using db = await stage.container('--name', 'db', '--hostname', 'dbhost', '--network', 'back', '--network-alias', 'Store', tiny, 'sleep', '99')
    await using web = await stage.container('--name', 'web', '--network', 'front', '--network', 'back', tiny, 'sleep', '99')
    await using lone = await stage.container('--name', 'lone', '--network', 'front', tiny, 'sleep', '99')
    await using linking = await stage.container('--network', 'back', '--link', 'db:database', tiny, 'sleep', '99')
    assert.deepEqual((await stage.ok('exec', 'web', 'cat', '/etc/resolv.conf')).split('\n').filter((line) => line !== '' && !line.startsWith('#')), ['nameserver 127.0.0.11', 'options ndots:0'])
    const found = await address('db', 'back')
    for (const name of ['db', 'store', 'STORE', 'dbhost', db.id.slice(0, 12), 'db.back', 'store.back']) assert.deepEqual(await lookup('web', name, '-type=a'), [found], name)
    assert.deepEqual(await lookup('web', 'db', '-type=aaaa'), [await db.inspect('{{(index .NetworkSettings.Networks "back").GlobalIPv6Address}}')])
    assert.deepEqual(await lookup('web', 'lone', '-type=aaaa'), [], 'the name is there, the family is not')
    assert.deepEqual(await lookup('web', 'db', '-type=mx'), [])
    assert.deepEqual(await lookup('web', found), ['db.back'])
    assert.deepEqual(await lookup('web', 'fd81::2'), ['db.back'])
    for (const name of ['db', 'db.back', found]) assert.deepEqual(await lookup('lone', name, ...(name === found ? [] : ['-type=a'])), ['SERVFAIL'], name)
    assert.deepEqual(await lookup(linking.id, 'database', '-type=a'), [found])
    assert.deepEqual(await lookup('web', 'database', '-type=a'), ['SERVFAIL'])
    assert.match(await stage.ok('exec', 'lone', 'ping', '-c', '1', '-W', '2', 'web'), new RegExp(`\\(${(await address('web', 'front')).replaceAll('.', '\\.')}\\)`))
    assert.equal((await stage.docker('exec', lone.id, 'ping', '-c', '1', '-W', '2', 'db')).code, 1)
    await using guest = await stage.container('--network', `container:${web.id}`, tiny, 'sleep', '99')
    assert.deepEqual(await lookup(guest.id, 'db', '-type=a'), [found])
  })

  void test('names change at once: connect, disconnect, rename, restart, a restart policy, removal', async () => {
    await using _ = await networks('--subnet 10.82.0.0/24 live', '--subnet 10.83.0.0/24 more')
    await using asker = await stage.container('--network', 'live', tiny, 'sleep', '99')
    const see = (name: string) => lookup(asker.id, name, '-type=a')
    await using mover = await stage.container('--name', 'mover', '--restart', 'always', '--network', 'more', tiny, 'sleep', '99')
    assert.deepEqual(await see('mover'), ['SERVFAIL'])
    await stage.ok('network', 'connect', '--alias', 'moved', '--ip', '10.82.0.77', 'live', 'mover')
    assert.deepEqual([await see('mover'), await see('moved')], [['10.82.0.77'], ['10.82.0.77']])
    await stage.ok('network', 'disconnect', 'live', 'mover')
    assert.deepEqual(await see('moved'), ['SERVFAIL'])
    await stage.ok('network', 'connect', 'live', 'mover')
    await stage.ok('rename', 'mover', 'renamed')
    assert.deepEqual([await see('mover'), await see('renamed')], [['SERVFAIL'], [await address('renamed', 'live')]])
    await stage.ok('restart', '-t', '0', 'renamed')
    assert.deepEqual(await see('renamed'), [await address('renamed', 'live')])
    assert.deepEqual(await lookup('renamed', asker.id.slice(0, 12), '-type=a'), [await address(asker.id, 'live')])
    process.kill(Number(await mover.inspect('{{.State.Pid}}')), 'SIGKILL')
    await eventually(async () => assert.equal(await mover.inspect('{{.RestartCount}} {{.State.Running}}'), '1 true'))
    await eventually(async () => assert.deepEqual(await see('renamed'), [await address('renamed', 'live')]))
    await eventually(async () => assert.deepEqual(await lookup('renamed', asker.id.slice(0, 12), '-type=a'), [await address(asker.id, 'live')]))
    await stage.ok('rm', '-f', 'renamed')
    assert.deepEqual(await see('renamed'), ['SERVFAIL'])
    // From the default bridge, which has no names, to a network that has.
    await using late = await stage.container(tiny, 'sleep', '99')
    assert.doesNotMatch(await stage.ok('exec', late.id, 'cat', '/etc/resolv.conf'), /127\.0\.0\.11/)
    await stage.ok('network', 'connect', 'live', late.id)
    assert.match(await stage.ok('exec', late.id, 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m)
    assert.deepEqual(await lookup(late.id, asker.id.slice(0, 12), '-type=a'), [await address(asker.id, 'live')])
  })

  void test('an alias of several containers has all addresses, each first in its turn', async () => {
    await using _ = await networks('pool')
    await using asker = await stage.container('--network', 'pool', tiny, 'sleep', '99')
    await using one = await stage.container('--network', 'pool', '--network-alias', 'app', tiny, 'sleep', '99')
    await using two = await stage.container('--network', 'pool', '--network-alias', 'app', tiny, 'sleep', '99')
    const both = [await address(one.id, 'pool'), await address(two.id, 'pool')].toSorted()
    const replies = await ask(asker.pid, 'udp', 'app', 'app', 'app', 'app')
    for (const { addresses } of replies) assert.deepEqual(addresses.toSorted(), both)
    assert.deepEqual(new Set(replies.map(({ addresses }) => addresses[0])), new Set(both))
  })

  void test('other names are asked of the host\'s servers from the host\'s network, past a dead one, over UDP and TCP', async () => {
    await using _ = await networks('out')
    const { enter } = stage.engine.host
    await using dead = await nameServer(enter, '127.0.0.54', 'silent')
    await using good = await nameServer(enter, '127.0.0.53', '10.9.9.9')
    await hostServers('127.0.0.54', '127.0.0.53')
    await using box = await stage.container('--network', 'out', tiny, 'sleep', '99')
    assert.match(await stage.ok('exec', box.id, 'cat', '/etc/resolv.conf'), /^# ExtServers: \[host\(127\.0\.0\.54\) host\(127\.0\.0\.53\)\]$/m)
    assert.deepEqual(await lookup(box.id, 'far.test', '-type=a'), ['10.9.9.9'])
    const seen = dead.asked.length
    assert.ok(seen > 0)
    for (let number = 0; number < 5; number++) assert.deepEqual(await lookup(box.id, `more${number}.test`, '-type=a'), ['10.9.9.9'])
    assert.equal(dead.asked.length, seen, 'a server that is silent is not waited for again')
    const [short] = await ask(box.pid, 'udp', 'many.test')
    assert.deepEqual([short?.isTruncated, short?.addresses], [true, []])
    const [whole] = await ask(box.pid, 'tcp', 'many.test')
    assert.equal(whole?.addresses.length, 100)
    // A host that moves to another network has other servers.
    await using other = await nameServer(enter, '127.0.0.55', '10.8.8.8')
    await hostServers('127.0.0.55')
    assert.deepEqual(await lookup(box.id, 'moved.test', '-type=a'), ['10.8.8.8'])
    assert.deepEqual(other.asked, ['moved.test'])
    assert.ok(good.asked.length >= 8)
    await hostServers()
  })

  void test('--dns is asked from the container\'s network; 127.0.0.1 is the container itself, whose port 53 is free', async () => {
    await using _ = await networks('--subnet 10.84.0.0/24 asks')
    await using outside = await nameServer(neighbour.enter, '10.222.8.2', '10.7.7.7')
    await using box = await stage.container('--network', 'asks', '--dns', '10.222.8.2', '--dns-search', 'corp.test', '--dns-option', 'ndots:1', tiny, 'sleep', '99')
    const file = await stage.ok('exec', box.id, 'cat', '/etc/resolv.conf')
    assert.deepEqual(file.split('\n').filter((line) => line !== '' && !line.startsWith('#')), ['nameserver 127.0.0.11', 'search corp.test', 'options ndots:1'])
    assert.match(file, /^# ExtServers: \[10\.222\.8\.2\]\n# Overrides: \[nameservers search options\]\n# Option ndots from: override$/m)
    assert.deepEqual(await lookup(box.id, 'far.test', '-type=a'), ['10.7.7.7'])
    assert.deepEqual((await ask(box.pid, 'udp', 'short'))[0]?.addresses, [], 'a name without a dot stays here when programs complete it')
    assert.ok(!outside.asked.includes('short'))
    await using own = await stage.container('--network', 'asks', '--dns', '127.0.0.1', tiny, 'sleep', '99')
    assert.deepEqual(await lookup(own.id, 'far.test', '-type=a'), ['SERVFAIL'])
    await using server = await nameServer(inside(own.pid), '0.0.0.0', '10.6.6.6')
    await eventually(async () => assert.deepEqual(await lookup(own.id, 'far.test', '-type=a'), ['10.6.6.6']))
    assert.deepEqual((await ask(own.pid, 'tcp', 'far.test'))[0]?.addresses, ['10.6.6.6'])
    assert.deepEqual(await lookup(own.id, box.id.slice(0, 12), '-type=a'), [await address(box.id, 'asks')])
    assert.ok(!server.asked.includes(box.id.slice(0, 12)))
    const { stdout } = await stage.docker('exec', box.id, 'nslookup', '-type=a', 'theirs.test', await address(own.id, 'asks'))
    assert.match(stdout, /Address: 10\.6\.6\.6/)
  })

  void test('an internal network does not ask the host\'s servers', async () => {
    await using _ = await networks('--internal shut', 'open')
    await using server = await nameServer(stage.engine.host.enter, '127.0.0.53', '10.9.9.9')
    await hostServers('127.0.0.53')
    await using box = await stage.container('--network', 'shut', '--name', 'shutbox', tiny, 'sleep', '99')
    assert.deepEqual(await lookup('shutbox', 'far.test', '-type=a'), ['SERVFAIL'])
    assert.deepEqual(await lookup('shutbox', 'shutbox', '-type=a'), [await address('shutbox', 'shut')])
    assert.deepEqual(server.asked, [])
    await stage.ok('network', 'connect', 'open', box.id)
    assert.deepEqual(await lookup('shutbox', 'far.test', '-type=a'), ['10.9.9.9'])
    await stage.ok('network', 'disconnect', 'open', box.id)
    assert.deepEqual(await lookup('shutbox', 'far.test', '-type=a'), ['SERVFAIL'])
    await hostServers()
  })

  void test('odd questions get an answer or none, and change nothing for others', async () => {
    await using _ = await networks('odd')
    await using box = await stage.container('--name', 'oddbox', '--network', 'odd', tiny, 'sleep', '99')
    const found = await address('oddbox', 'odd')
    const codes = async (hex: string) => (await ask(box.pid, 'raw', hex)).map(({ code }) => code)
    assert.deepEqual(await codes('00010100'), [], 'too short')
    assert.deepEqual(await codes('000181000001000000000000'), [], 'an answer')
    assert.deepEqual(await codes('000101000000000000000000'), [1], 'no question')
    assert.deepEqual(await codes('000101000001000000000000c00c00010001'), [1], 'a name that points at itself')
    assert.deepEqual(await codes('0001280000010000000000000000060001'), [4], 'an update')
    const many = await ask(box.pid, 'tcp', ...Array.from({ length: 200 }, () => 'oddbox'))
    assert.deepEqual(many.map(({ id }) => id).toSorted((one, other) => one - other), Array.from({ length: 200 }, (_each, at) => at + 1))
    assert.deepEqual(new Set(many.flatMap(({ addresses }) => addresses)), new Set([found]))
    const half = await ask(box.pid, 'half', '0018000101000001000000000000066f6464626f780000010001')
    assert.deepEqual(half.map(({ addresses }) => addresses), [[found]])
    const [sized] = await ask(box.pid, 'udp', 'oddbox/1/1232')
    assert.deepEqual([sized?.hasOpt, sized?.addresses], [true, [found]])
    // A container that may change its rules, and does.
    await using admin = await stage.container('--network', 'odd', '--cap-add', 'NET_ADMIN', tools, 'sleep', '99')
    await stage.ok('exec', admin.id, 'nft', 'flush', 'ruleset')
    assert.deepEqual(await lookup(admin.id, 'oddbox', '-type=a'), [found])
    // Nobody else reaches a container's resolver.
    await stage.engine.host.must(['ip', 'route', 'add', '127.0.0.11/32', 'via', found])
    assert.equal((await stage.engine.host.run(['/bin/busybox', 'timeout', '2', '/bin/busybox', 'nslookup', '-type=a', 'oddbox', '127.0.0.11'])).stdout.includes(found), false)
    await stage.engine.host.must(['ip', 'route', 'delete', '127.0.0.11/32'])
    assert.doesNotMatch(await stage.engine.host.must(['ss', '-lunptH']), new RegExp(`pid=${resolverPid()},`))
  })

  void test('names keep resolving while the engine is dead, and when the resolver was killed; nothing keeps a dead container\'s network', async () => {
    await using _ = await networks('lasting')
    await using asker = await stage.container('--network', 'lasting', tiny, 'sleep', '99')
    const gone = await stage.ok('run', '-d', '--name', 'gone', '--network', 'lasting', tiny, 'sleep', '99')
    const gonePid = Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', gone))
    const found = await address('gone', 'lasting')
    const held = () => readdirSync(`/proc/${resolverPid()}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${resolverPid()}/fd/${fd}`).startsWith('net:')
      } catch {
        return false
      }
    }).length
    const before = held()
    await stage.engine.kill9()
    assert.deepEqual((await ask(asker.pid, 'udp', 'gone'))[0]?.addresses, [found])
    assert.deepEqual((await ask(asker.pid, 'tcp', 'gone'))[0]?.addresses, [found])
    process.kill(gonePid, 'SIGKILL')
    await eventually(() => assert.equal(held(), before - 1))
    await eventually(async () => assert.doesNotMatch(await stage.engine.host.must(['ip', '-o', 'link']), /veth.*veth/s))
    const same = resolverPid()
    await stage.engine.start()
    assert.equal(resolverPid(), same)
    assert.deepEqual(await lookup(asker.id, 'gone', '-type=a'), ['SERVFAIL'])
    process.kill(resolverPid(), 'SIGKILL')
    await eventually(async () => assert.deepEqual(await lookup(asker.id, asker.id.slice(0, 12), '-type=a'), [await address(asker.id, 'lasting')]))
    assert.notEqual(resolverPid(), same)
    // Killed while there is no engine, it is back with the next.
    await stage.engine.kill9()
    process.kill(resolverPid(), 'SIGKILL')
    assert.equal((await ask(asker.pid, 'udp', 'gone')).length, 0)
    await stage.engine.start()
    assert.deepEqual(await lookup(asker.id, asker.id.slice(0, 12), '-type=a'), [await address(asker.id, 'lasting')])
    await stage.ok('rm', 'gone')
  })

  void test('resolv.conf that was edited is left alone, hosts follows links, host-gateway is the default bridge', async () => {
    await using _ = await networks('edited')
    await using box = await stage.container('--network', 'edited', '--add-host', 'up:host-gateway', '--add-host', 'six=[fd00::6]', tiny, 'sleep', '99')
    const gateway = await stage.ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'bridge')
    assert.match(await stage.ok('exec', box.id, 'cat', '/etc/hosts'), new RegExp(`^${gateway}\tup\nfd00::6\tsix\n`, 'm'))
    await stage.ok('stop', '-t', '0', box.id)
    const file = await stage.ok('inspect', '-f', '{{.ResolvConfPath}}', box.id)
    writeFileSync(file, 'nameserver 127.0.0.11\nnameserver 10.1.1.1\n')
    await stage.ok('start', box.id)
    assert.equal(await stage.ok('exec', box.id, 'cat', '/etc/resolv.conf'), 'nameserver 127.0.0.11\nnameserver 10.1.1.1')
    assert.deepEqual(await lookup(box.id, box.id.slice(0, 12), '-type=a'), [await address(box.id, 'edited')])
    // On the default bridge a link is a line in hosts, kept current.
    await using db = await stage.container('--name', 'linked', tiny, 'sleep', '99')
    await using web = await stage.container('--link', 'linked:database', tiny, 'sleep', '99')
    await stage.ok('exec', web.id, 'sh', '-c', 'echo "10.1.1.1 mine" >> /etc/hosts')
    const first = await address('linked', 'bridge')
    await stage.ok('stop', '-t', '0', 'linked')
    await using taker = await stage.container(tiny, 'sleep', '99')
    await stage.ok('start', 'linked')
    const second = await address('linked', 'bridge')
    const hosts = await stage.ok('exec', web.id, 'cat', '/etc/hosts')
    assert.match(hosts, new RegExp(`^${second}\tdatabase ${db.id.slice(0, 12)} linked$`, 'm'))
    assert.notEqual(first, second)
    assert.doesNotMatch(hosts, new RegExp(`^${first}\tdatabase`, 'm'))
    assert.match(hosts, /^10\.1\.1\.1 mine$/m)
    assert.equal(await web.inspect('{{.HostConfig.Links}}'), `[/linked:/${(await web.inspect('{{.Name}}')).slice(1)}/database]`)
    await stage.ok('rename', 'linked', 'other')
    await stage.ok('restart', '-t', '0', web.id)
    assert.match(await stage.ok('exec', web.id, 'cat', '/etc/hosts'), new RegExp(`^${second}\tdatabase ${db.id.slice(0, 12)} other$`, 'm'))
    const { stderr } = await stage.docker('run', '--rm', '--link', `${box.id}:x`, tiny, 'true')
    assert.match(stderr, new RegExp(`Cannot link to ${await box.inspect('{{.Name}}')}, as it does not belong to the default network`))
    assert.ok(taker.pid > 0)
  })
}, { enter: () => etc.enter })
