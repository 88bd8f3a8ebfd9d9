import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { alive, commandLine, link, namespace, parentOf, read } from './harness/processes.ts'
import { must } from './harness/run.ts'
import { eventually } from './harness/eventually.ts'
import { cgroupsOf } from './harness/private-directory.ts'
import { engineUnderTest, privilegedMissing, tiny, tools, throughEachClient } from './harness/stories.ts'

const segments = async () => (await must(['ipcs', '-m'])).split('\n').length
const kinds = ['mnt', 'uts', 'ipc', 'pid', 'net']

throughEachClient('namespaces', (stage) => {
  const hostNamespace = (kind: string) => namespace(kind === 'net' ? stage.engine.host.holder : 'self', kind)

  void test('a container has a namespace of its own of every kind but user', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    for (const kind of kinds) assert.notEqual(namespace(container.pid, kind), hostNamespace(kind), kind)
    assert.equal(namespace(container.pid, 'user'), namespace('self', 'user'))
    const listed = (await must(['lsns', '-p', String(container.pid), '-no', 'TYPE'])).split('\n').map((line) => line.trim())
    for (const kind of [...kinds, 'cgroup', 'user']) assert.ok(listed.includes(kind), `lsns shows ${listed.join(' ')}`)
  })

  void test('time and cgroup namespaces are private too', { skip: engineUnderTest === 'dockerd' && 'not in Docker 20.10' }, async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.notEqual(namespace(container.pid, 'time'), namespace('self', 'time'))
  })

  void test('its root is not the host root, and its mounts stay inside', privilegedMissing, async () => {
    await using container = await stage.container('--privileged', tiny, 'sleep', '99')
    const host = statSync('/')
    assert.notEqual(await stage.ok('exec', container.id, 'stat', '-c', '%d:%i', '/'), `${host.dev}:${host.ino}`)
    await stage.ok('exec', container.id, 'mount', '-t', 'tmpfs', 'gantry-inside', '/mnt')
    assert.match(read(`/proc/${container.pid}/mountinfo`), /gantry-inside/)
    assert.doesNotMatch(read('/proc/self/mountinfo'), /gantry-inside/)
  })

  void test('its host name is the short id unless --hostname says another', async () => {
    const before = hostname()
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.equal(await stage.ok('exec', container.id, 'hostname'), container.id.slice(0, 12))
    assert.equal(await stage.ok('run', '--rm', '--hostname', 'web1', tiny, 'hostname'), 'web1')
    assert.equal(hostname(), before)
  })

  for (const [flag, kind] of [
    ['--uts=host', 'uts'],
    ['--ipc=host', 'ipc'],
    ['--pid=host', 'pid'],
    ['--net=host', 'net'],
    ['--cgroupns=host', 'cgroup'],
  ] as const) {
    void test(`${flag} shares the host's and no other`, async () => {
      await using container = await stage.container(flag, tiny, 'sleep', '99')
      for (const each of kinds) {
        const comparison = namespace(container.pid, each) === hostNamespace(each)
        assert.equal(comparison, each === kind, each)
      }
      if (kind === 'cgroup') assert.equal(namespace(container.pid, 'cgroup'), namespace('self', 'cgroup'))
    })
  }

  void test('System V shared memory stays inside', async () => {
    const before = await segments()
    await using container = await stage.container(tools, 'sleep', '99')
    assert.match(await stage.ok('exec', container.id, 'ipcmk', '-M', '1024'), /Shared memory id/)
    assert.equal(await segments(), before)
    assert.match(await stage.ok('exec', container.id, 'ipcs', '-m'), /\b1024\b/)
  })

  void test('its first process has PID 1 and sees none of the host', async () => {
    await using container = await stage.container('--name', 'pstest', tools, 'sleep', '240')
    const lines = (await stage.ok('exec', '-t', 'pstest', 'ps', '-ef')).split('\n').slice(1)
    assert.equal(lines.length, 2)
    assert.match(lines[0] ?? '', /^root\s+1\s+0 .* sleep 240/)
    assert.equal(/^NSpid:\t\d+\t(\d+)$/m.exec(read(`/proc/${container.pid}/status`))?.[1], '1')
  })

  void test('top shows host PIDs in the columns of ps -ef', async () => {
    await using container = await stage.container(tiny, 'sleep', '240')
    const [head = '', row = '', ...more] = (await stage.ok('top', container.id)).split('\n')
    assert.deepEqual(head.trim().split(/\s+/), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
    const [user, pid, parent] = row.split(/\s+/)
    assert.deepEqual([user, Number(pid), Number(parent), more.length], ['root', container.pid, parentOf(container.pid), 0])
    assert.match(row, /sleep 240$/)
  })

  void test('the parent of PID 1 is a monitor that is not the daemon and outlives its kill -9', async () => {
    await using container = await stage.container(tiny, 'sleep', '240')
    const parent = parentOf(container.pid)
    assert.ok(parent > 1)
    assert.notEqual(parent, stage.engine.pid())
    await stage.engine.kill9()
    assert.ok(alive(parent))
    assert.ok(alive(container.pid))
    assert.equal(parentOf(container.pid), parent)
    await stage.engine.start()
    assert.equal(await container.inspect('{{.State.Running}} {{.State.Pid}}'), `true ${container.pid}`)
  })

  void test('no runtime process remains once the container runs', async () => {
    await using container = await stage.container(tiny, 'sleep', '240')
    await eventually(() => {
      const chain: string[] = []
      for (let pid = parentOf(container.pid); pid > 1; pid = parentOf(pid)) chain.push(commandLine(pid)[0] ?? '')
      assert.ok(!chain.some((name) => /\/(gantry-)?runc$/.test(name)), chain.join(' < '))
    }, 1000)
  })

  void test('exec sees what nsenter into the first process sees', async () => {
    await using container = await stage.container(tiny, 'sleep', '240')
    for (const kind of kinds) {
      assert.equal(await stage.ok('exec', container.id, 'readlink', `/proc/self/ns/${kind}`), namespace(container.pid, kind))
    }
  })

  void test('rm -f ends a running container and removes its cgroup, network namespace and mounts', async () => {
    const id = await stage.ok('run', '-d', tiny, 'sleep', '240')
    const pid = Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', id))
    const net = namespace(pid, 'net')
    const links = async () => JSON.parse(await stage.engine.host.must(['ip', '-j', 'link'])) as { ifname: string }[]
    const before = await links()
    assert.ok(net !== '')
    assert.equal((await stage.docker('rm', '-f', id)).code, 0)
    assert.ok(!alive(pid))
    assert.deepEqual(await cgroupsOf(new Set([id])), [])
    assert.doesNotMatch(read('/proc/self/mountinfo'), new RegExp(id))
    // Who could still hold it: a mount, or a descriptor of the daemon. (lsns would not do: the kernel gives its number to the next one.)
    assert.ok(!read('/proc/self/mountinfo').includes(net))
    const descriptors = readdirSync(`/proc/${stage.engine.pid()}/fd`).map((fd) => link(`/proc/${stage.engine.pid()}/fd/${fd}`))
    assert.ok(!descriptors.includes(net))
    assert.equal((await links()).length, before.length - 1)
  })

  void test('--privileged --pid=host nsenter gives a shell on the host', privilegedMissing, async () => {
    const enter = ['run', '--rm', '--privileged', '--pid=host', tools, 'nsenter', '-t', String(process.pid), '-m', '-u', '-n', '-i']
    assert.equal(await stage.ok(...enter, 'hostname'), hostname())
    assert.equal(await stage.ok(...enter, 'cat', '/etc/os-release'), read('/etc/os-release').trim())
  })

  void test('nsenter --all from a privileged container enters another container', privilegedMissing, async () => {
    await using container = await stage.container(tools, 'sleep', '241')
    const seen = await stage.ok('run', '--rm', '--privileged', '--pid=host', tools, 'nsenter', '--target', String(container.pid), '--all', 'ps', '-ef')
    assert.match(seen, /^root\s+1\s.* sleep 241$/m)
  })

  void test('--pid and --net of another container let a second one debug it', async () => {
    await using target = await stage.container('--name', 'served', tiny, 'sh', '-c', 'mkdir /www; echo page > /www/index.html; exec httpd -f -p 8080 -h /www')
    const debug = ['run', '--rm', '--pid=container:served', '--net=container:served', '--cap-add', 'sys_ptrace', '--cap-add', 'sys_admin', tools]
    assert.match(await stage.ok(...debug, 'ps', '-ef'), /^root\s+1\s.* httpd -f -p 8080/m)
    assert.equal(await stage.ok(...debug, 'wget', '-qO-', 'http://localhost:8080/'), 'page')
    const traced = await stage.docker(...debug, 'timeout', '-s', 'INT', '1', 'strace', '-p', '1')
    assert.match(traced.stderr, /Process 1 attached/)
    assert.match(traced.stderr, /Process 1 detached/)
    assert.ok(alive(target.pid))
  })
})
