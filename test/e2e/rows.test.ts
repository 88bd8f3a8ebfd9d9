import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { cgroupFile, cgroupValue, unified } from './harness/cgroup.ts'
import { eventually } from './harness/eventually.ts'
import { alive } from './harness/processes.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, privilegedMissing, tiny, tools, throughEachClient } from './harness/stories.ts'

/** What a book on Docker shows its reader, where no other test tells the same story. */
throughEachClient('what the book shows', (stage) => {
  const web = ['sh', '-c', 'mkdir /www; echo page > /www/index.html; touch -d "2021-02-03 04:05:06" /www/index.html; chown 500:500 /www/index.html; exec httpd -f -p 8080 -h /www']

  void test('nobody listens on the network for it, and its socket is root\'s and the group\'s', async () => {
    assert.equal((await stage.engine.host.must(['ss', '-Hltnp'])).split('\n').filter((line) => line.includes(`pid=${stage.engine.pid()},`)).join('\n'), '')
    assert.equal((statSync(stage.engine.socket).mode & 0o777).toString(8), '660')
  })

  void test('a container installs a program on the host', async () => {
    const target = path.join(stage.engine.directory, 'bin')
    mkdirSync(target)
    await stage.ok('run', '--rm', '-v', `${target}:/target`, tools, 'cp', '/bin/nsenter', '/target/nsenter')
    assert.match(await must([path.join(target, 'nsenter'), '--version']), /nsenter/)
    assert.equal(statSync(path.join(target, 'nsenter')).uid, 0)
    rmSync(target, { recursive: true })
  })

  void test('nsenter --all without a command is a shell in the other container', privilegedMissing, async () => {
    await using target = await stage.container('--name', 'served', tiny, ...web)
    const shell = await stage.dockerWith({ input: 'ps\nhostname\ncat /www/index.html\n' }, 'run', '-i', '--rm', '--privileged', '--pid=host', tools, 'nsenter', '--target', String(target.pid), '--all')
    assert.match(shell.stdout, new RegExp(`^ +1 root +httpd -f -p 8080 -h /www$[^]*^${target.id.slice(0, 12)}$[^]*^page$`, 'm'))
  })

  void test('the files of a container that is debugged are not those of the debugger, but can be reached', async () => {
    await using target = await stage.container('--name', 'served', tiny, ...web)
    const debug = ['run', '--rm', '--pid=container:served', '--cap-add', 'sys_ptrace', tools]
    assert.notEqual((await stage.docker(...debug, 'cat', '/www/index.html')).code, 0)
    await eventually(async () => assert.equal(await stage.ok(...debug, 'cat', '/proc/1/root/www/index.html'), 'page'))
    assert.ok(alive(target.pid))
  })

  void test('shared memory of a shareable container is seen by who joins it, and by nobody else', async () => {
    await using shared = await stage.container('--ipc=shareable', tools, 'sleep', '99')
    const [id = ''] = /\d+/.exec(await stage.ok('exec', shared.id, 'ipcmk', '-M', '1024')) ?? []
    const segments = (...flags: string[]) => stage.ok('run', '--rm', ...flags, tools, 'ipcs', '-m')
    assert.match(await segments(`--ipc=container:${shared.id}`), new RegExp(`^0x\\w+ +${id} +root +644 +1024 `, 'm'))
    assert.doesNotMatch(await segments(), /1024/)
  })

  void test('an export has what Docker puts there, with owners and times, of a container that runs and of one that is stopped', async () => {
    await using target = await stage.container('--name', 'served', tiny, ...web)
    await eventually(async () => assert.equal((await stage.docker('exec', target.id, 'test', '-e', '/www/index.html')).code, 0))
    const archive = path.join(stage.engine.directory, 'export.tar')
    const listing = async () => {
      await stage.ok('export', target.id, '-o', archive)
      return (await must(['env', 'TZ=UTC', 'tar', '--numeric-owner', '--full-time', '-tvf', archive])).split('\n')
    }
    await eventually(async () => assert.ok((await listing()).some((line) => / 500\/500 +5 2021-02-03 04:05:06 +(\.\/)?www\/index\.html$/.test(line))))
    const running = await listing()
    await stage.ok('stop', '-t', '0', target.id)
    for (const lines of [running, await listing()]) {
      const names = lines.map((line) => line.trim().split(/\s+/).slice(5).join(' ').replace(/^\.\//, ''))
      for (const name of ['.dockerenv', 'dev/', 'dev/console', 'dev/pts/', 'dev/shm/', 'etc/hostname', 'etc/hosts', 'etc/mtab -> /proc/mounts', 'etc/resolv.conf', 'proc/', 'sys/', 'bin/busybox', 'www/index.html']) assert.ok(names.includes(name), `${name} is not in\n${names.join('\n')}`)
      assert.deepEqual(names.filter((name) => /^(proc|sys)\/./.test(name)), [])
      assert.ok(lines.some((line) => / 500\/500 +5 2021-02-03 04:05:06 /.test(line)))
    }
    rmSync(archive)
  })

  void test('a watcher of thirty lines gives each container its weight as it starts', async () => {
    const watcher = spawn(stage.program, ['events', '--filter', 'event=start', '--format', '{{.ID}}'], { env: stage.env, stdio: ['ignore', 'pipe', 'inherit'] })
    const done: string[] = []
    createInterface({ input: watcher.stdout }).on('line', (id) => {
      void stage.ok('inspect', '-f', '{{.State.Pid}}', id).then((pid) => {
        writeFileSync(cgroupFile(Number(pid), 'cpu.weight'), unified ? '50' : '512')
        done.push(id)
      }).catch(() => {}) // It has ended already.
    })
    const weight = async (id: string) => cgroupValue(Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', id)), 'cpu.weight')
    try {
      // It has to be listening first; what starts until then is not its business.
      await eventually(async () => {
        await stage.ok('run', '--rm', tiny, 'sleep', '0.2')
        assert.ok(done.length > 0)
      })
      await using container = await stage.container(tiny, 'sleep', '99')
      await eventually(async () => assert.equal(await weight(container.id), unified ? '50' : '512'))
      await stage.ok('restart', '-t', '0', container.id)
      await eventually(async () => assert.equal(await weight(container.id), unified ? '50' : '512'))
    } finally {
      watcher.kill()
      await once(watcher, 'exit')
    }
  })

  void test('a MAC address that was asked for is told without a warning, where it always was', async () => {
    const { stdout, stderr } = await stage.docker('run', '-d', '--mac-address', '02:42:0a:00:00:77', tiny, 'sleep', '99')
    assert.equal(stderr, '')
    assert.equal(await stage.ok('inspect', '-f', '{{.Config.MacAddress}}', stdout.trim()), '02:42:0a:00:00:77')
    assert.equal(await stage.ok('exec', stdout.trim(), 'cat', '/sys/class/net/eth0/address'), '02:42:0a:00:00:77')
    await stage.ok('rm', '-f', stdout.trim())
  })

  void test('read-only mounts cover what is mounted below them, but for clients that do not know that', { skip: engineUnderTest === 'dockerd' && 'not in Docker 20.10' }, async () => {
    const place = path.join(stage.engine.directory, 'readonly')
    mkdirSync(path.join(place, 'below'), { recursive: true })
    await must(['mount', '-t', 'tmpfs', 'none', path.join(place, 'below')])
    try {
      const write = async (version: string, ...flags: string[]) => (await stage.dockerWith({ env: { DOCKER_API_VERSION: version } }, 'run', '--rm', ...flags, tiny, 'touch', '/s/below/file')).code
      for (const flags of [['-v', `${place}:/s:ro`], ['--mount', `type=bind,src=${place},dst=/s,readonly`]]) {
        assert.notEqual(await write('1.44', ...flags), 0)
        assert.equal(existsSync(path.join(place, 'below/file')), false)
        assert.equal(await write('1.43', ...flags), 0)
        assert.notEqual((await stage.docker('run', '--rm', ...flags, tiny, 'touch', '/s/file')).code, 0)
        rmSync(path.join(place, 'below/file'))
      }
    } finally {
      await must(['umount', '-l', path.join(place, 'below')])
    }
  })
})
