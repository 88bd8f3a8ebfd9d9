import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { alive, allPids, commandLine, parentOf, read } from '../harness/processes.ts'
import { tools } from '../harness/stories.ts'
import { type EscapeStage, attackEngine } from './stage.ts'

async function attackEntering(stage: EscapeStage, flags: string[]): Promise<string> {
  await using container = await stage.container(...flags, ...stage.armed, tools, '/attack/watch-entering', '5')
  for (let round = 0; round < 20; round++) await stage.docker('exec', container.id, 'true')
  await stage.docker('wait', container.id)
  return await stage.ok('logs', container.id)
}

/** Each thing that was said, once. */
async function injectIntoEntering(stage: EscapeStage, flags: string[], exec: string[]): Promise<string> {
  await using container = await stage.container('--cap-add', 'SYS_PTRACE', ...flags, ...stage.armed, tools, '/attack/inject', '4')
  for (let round = 0; round < 20; round++) await stage.docker('exec', ...exec, container.id, 'true')
  await stage.docker('wait', container.id)
  return [...new Set((await stage.ok('logs', container.id)).split('\n'))].join('\n')
}

attackEngine('escapes through other processes', (stage) => {
  void test('what enters a container cannot be traced, read or opened before it has become the command (CVE-2016-9962)', async () => {
    const said = await attackEntering(stage, [])
    for (const way of ['ptrace', 'fd', 'exe', 'maps', 'environ']) assert.match(said, new RegExp(`^refused ${way}$`, 'm'), `${way} was never tried`)
    assert.doesNotMatch(said, /^reached/m)
    // CAP_SYS_PTRACE of the host's user namespace is the right to do just that; what there is to find is another matter (below).
    assert.match(await attackEntering(stage, ['--cap-add', 'SYS_PTRACE']), /^reached/m, 'the attack itself works')
  })

  void test('who may trace finds nothing of the host in what enters: no directory, no file to write to', async () => {
    await using container = await stage.container('--cap-add', 'SYS_PTRACE', ...stage.armed, tools, '/attack/reach-host', '6', stage.bait.file)
    for (let round = 0; round < 20; round++) await stage.docker('exec', container.id, 'true')
    await stage.docker('wait', container.id)
    const said = await stage.ok('logs', container.id)
    assert.match(said, /^met root$/m, 'nothing was met: the attack itself does not work')
    assert.doesNotMatch(said, /^(reached|wrote)/m)
  })

  void test('who may trace gains nothing by code of his own in what enters: it has no right, and no filter is missing, that the container has not', async () => {
    for (const exec of [[], ['-t', '-u', '1000:1000']]) {
      const said = await injectIntoEntering(stage, [], exec)
      if (process.arch === 'x64') assert.match(said, /^met$/m, 'no code of his own has run in what enters: the attack itself does not work')
      assert.doesNotMatch(said, /^reached/m)
      const allowed = exec.includes('-u') ? '0000000000000000' : '00000000a80c25fb'
      assert.deepEqual(new Set(said.match(/^rights.*$/gm)), new Set([`rights ${allowed} 2`]), exec.join(' '))
    }
    assert.match(await injectIntoEntering(stage, ['--cap-add', 'SYS_ADMIN'], []), process.arch === 'x64' ? /^reached sethostname$/m : /^rights/m, 'what takes a capability that the container has works')
  })

  void test('the monitor is out of sight: no pid, no socket, no file of it is in the container', async () => {
    await using container = await stage.container(tools, 'sleep', '99')
    const monitor = parentOf(container.pid)
    assert.ok(monitor > 1, 'the container has no monitor')
    const seen = await stage.ok('exec', container.id, 'sh', '-c', 'for p in /proc/[0-9]*; do cat $p/comm; done; cat /proc/net/unix; find / -xdev -name "*json.log" -o -xdev -type s; true')
    assert.doesNotMatch(seen, /gantry|json\.log|docker\.sock/)
    assert.ok(alive(monitor) && alive(container.pid))
    const parent = await stage.ok('exec', container.id, 'sh', '-c', 'cut -d" " -f4 /proc/1/stat')
    assert.equal(parent, '0')
  })

  void test('signals from inside end at the container\'s edge', async () => {
    await using container = await stage.container(tools, 'sleep', '99')
    const monitor = parentOf(container.pid)
    const attack = `for p in ${monitor} ${stage.engine.pid()} ${container.pid} ${process.pid}; do kill -9 $p 2>&1; done; kill -9 -1; true`
    const { stdout } = await stage.docker('exec', container.id, 'sh', '-c', attack)
    assert.equal(stdout.match(/No such process/g)?.length, 4, stdout)
    for (const pid of [monitor, stage.engine.pid(), container.pid]) assert.ok(alive(pid), `${pid} is gone`)
  })

  void test('with --pid=host a user who is not root can neither end nor look into monitor and engine', async () => {
    await using container = await stage.container('--pid=host', '-u', '1000:1000', ...stage.armed, tools, 'sleep', '99')
    const targets = [parentOf(container.pid), stage.engine.pid(), 1]
    for (const pid of targets) {
      const attack = `kill -9 ${pid} 2>&1; ls /proc/${pid}/root/ /proc/${pid}/fd /proc/${pid}/ns/mnt 2>&1; cat /proc/${pid}/environ 2>&1; readlink /proc/${pid}/ns/mnt /proc/${pid}/exe; echo done`
      const { stdout } = await stage.docker('exec', container.id, 'sh', '-c', attack)
      assert.match(stdout, /Operation not permitted[^]*Permission denied[^]*done/)
      assert.doesNotMatch(stdout, /mnt:\[|home|PATH=/)
      assert.ok(alive(pid), `${pid} is gone`)
    }
  })

  void test('with --pid=host root without CAP_SYS_PTRACE sees pids, but no root, namespace, memory or descriptor of the host', async () => {
    const pids = [1, stage.engine.pid()]
    const attack = pids.map((pid) => `cat /proc/${pid}/root${stage.bait.file}; nsenter -t ${pid} -m cat ${stage.bait.file}; nsenter -t ${pid} -n true && echo entered; head -c 1 /proc/${pid}/mem && echo read; readlink /proc/${pid}/fd/* /proc/${pid}/cwd`).join('; ')
    const refused = await stage.docker('run', '--rm', '--pid=host', ...stage.armed, tools, 'sh', '-c', attack)
    assert.equal(refused.stdout, '')
    assert.match(refused.stderr, /Permission denied|Operation not permitted/)
    const open = await stage.docker('run', '--rm', '--pid=host', '--cap-add', 'SYS_PTRACE', tools, 'sh', '-c', attack)
    assert.match(open.stdout, new RegExp(stage.bait.secret), 'CAP_SYS_PTRACE is what is missing')
  })

  void test('with --pid=host an unprivileged user cannot reach the monitor of another container through its socket', async () => {
    await using victim = await stage.container(tools, 'sleep', '99')
    const socket = path.join(stage.engine.execRoot, 'containers', victim.id, 's')
    assert.match(read('/proc/net/unix') + allPids().length, /./)
    const refused = await stage.docker('run', '--rm', '--pid=host', ...stage.armed, tools, '/attack/connect', `/proc/${parentOf(victim.pid)}/cwd/s`)
    assert.match(refused.stderr, /connect: (Permission denied|Operation not permitted)/)
    const open = await stage.docker('run', '--rm', '-v', `${path.dirname(socket)}:/monitor`, ...stage.armed, tools, '/attack/connect', '/monitor/s')
    assert.equal(open.stdout, 'connected\n', 'the socket itself answers')
    assert.ok(alive(victim.pid))
  })

  void test('no part of the engine listens on an abstract socket, which --network=host would share (CVE-2020-15257)', async () => {
    await using container = await stage.container('--network=host', ...stage.armed, tools, 'sleep', '99')
    const abstract = (await stage.ok('exec', container.id, 'cat', '/proc/net/unix')).split('\n').filter((line) => / @/.test(line))
    assert.deepEqual(abstract, [])
  })

  void test('abstract sockets of the host do not answer in a network of one\'s own', async () => {
    const name = `@gantry-escape-${process.pid}`
    await using listener = await stage.container('--network=host', ...stage.armed, tools, '/attack/connect', name, 'listen')
    const inside = await stage.docker('run', '--rm', ...stage.armed, tools, '/attack/connect', name)
    assert.match(inside.stderr, /connect: Connection refused/)
    assert.equal(await stage.ok('run', '--rm', '--network=host', ...stage.armed, tools, '/attack/connect', name), 'connected')
    assert.ok(alive(listener.pid))
  })

  void test('what monitors and spawner were started with tells a container nothing', () => {
    for (const pid of allPids().filter((pid) => commandLine(pid)[0] === 'gantry-spawner' && parentOf(pid) === stage.engine.pid())) {
      assert.equal(readFileSync(`/proc/${pid}/environ`, 'utf8'), '')
    }
  })
})
