import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { cgroupFile, cgroupOf, cgroupValue, unified } from './harness/cgroup.ts'
import { makeClient } from './harness/client.ts'
import { actionsOf } from './harness/events.ts'
import { eventually } from './harness/eventually.ts'
import { parentOf, read } from './harness/processes.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

const own = { skip: engineUnderTest !== 'gantryd' && 'Docker has no word for it' }

/** Also one that nobody has waited for yet. */
const hasEnded = (pid: number): boolean => /^$|^State:\tZ/m.test(read(`/proc/${pid}/status`))

throughEachClient('life of a container', (stage) => {
  const gantry = (...args: string[]) => makeClient('gantry', stage.engine).ok(...args)
  const actions = (id: string) => actionsOf(stage.engine, id)
  const state = (id: string, template: string) => stage.ok('inspect', '-f', template, id)

  void test('on-failure tries as often as it may, with waits that double', async () => {
    const id = await stage.ok('run', '-d', '--restart', 'on-failure:3', tiny, 'sh', '-c', 'cat /proc/uptime >> /times; exit 4')
    await eventually(async () => assert.equal(await state(id, '{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}'), 'exited 3 4'), 20_000)
    assert.equal((await actions(id)).filter((action) => action === 'start').length, 4)
    await stage.ok('cp', `${id}:/times`, path.join(stage.engine.directory, 'times'))
    const times = readFileSync(path.join(stage.engine.directory, 'times'), 'utf8').trim().split('\n').map((line) => Number(line.split(' ', 1)[0]) * 1000)
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    for (const [index, least] of [100, 200, 400].entries()) assert.ok((waits[index] ?? 0) >= least - 10, `wait ${index} took ${waits[index]} ms`)
    await stage.ok('rm', id)
  })

  void test('a container between two tries can be waited for, updated, stopped and removed', async () => {
    const always = ['run', '-d', '--restart', 'always', tiny, 'false']
    const id = await stage.ok(...always)
    await eventually(async () => assert.equal(await state(id, '{{.State.Status}} {{gt .RestartCount 4}}'), 'restarting true'))
    assert.match((await stage.docker('exec', id, 'true')).stderr, /is restarting, wait until the container is running/)
    assert.match((await stage.docker('pause', id)).stderr, /is restarting, wait until the container is running/)
    assert.match((await stage.docker('rm', id)).stderr, /cannot remove container .*: container is restarting: stop the container before removing or force remove/)
    await stage.ok('stop', id)
    assert.equal(await state(id, '{{.State.Status}}'), 'exited')
    const count = await state(id, '{{.RestartCount}}')
    await new Promise((resolve) => setTimeout(resolve, 700))
    assert.equal(await state(id, '{{.State.Status}} {{.RestartCount}}'), `exited ${count}`)
    await stage.ok('rm', id)
    const other = await stage.ok(...always)
    await eventually(async () => assert.equal(await state(other, '{{.State.Status}}'), 'restarting'))
    await stage.ok('update', '--restart', 'no', other)
    await eventually(async () => assert.equal(await state(other, '{{.State.Status}}'), 'exited'))
    await stage.ok('rm', '-f', other)
  })

  void test('over a restart of the engine, always comes back, unless-stopped only if nobody stopped it, and --rm goes', async () => {
    const run = (...flags: string[]) => stage.ok('run', '-d', ...flags, tiny, 'sleep', '99')
    const [always, unless, running] = [await run('--restart', 'always'), await run('--restart', 'unless-stopped'), await run('--restart', 'unless-stopped')]
    const [removed, gone] = [await run('--rm'), await run('--rm')]
    await stage.ok('stop', '-t', '0', always, unless)
    const pid = Number(await state(gone, '{{.State.Pid}}'))
    await stage.engine.kill9()
    process.kill(pid, 'SIGKILL')
    await stage.engine.start()
    await eventually(async () => assert.equal(await state(always, '{{.State.Status}}'), 'running'))
    assert.equal(await state(unless, '{{.State.Status}}'), 'exited')
    assert.equal(await state(running, '{{.State.Status}} {{.RestartCount}}'), 'running 0')
    assert.equal(await state(removed, '{{.State.Status}}'), 'running')
    await eventually(async () => assert.equal((await stage.docker('inspect', gone)).code, 1))
    await stage.ok('stop', '-t', '0', removed)
    await eventually(async () => assert.equal((await stage.docker('inspect', removed)).code, 1))
    await stage.ok('rm', '-f', always, unless, running)
  })

  void test('a container whose monitor is killed is over, with its processes and its cgroup, and comes back if it is to', own, async () => {
    const victim = async (ref: string): Promise<{ pid: number; killMonitor: () => void; cgroup: string }> => {
      const pid = Number(await state(ref, '{{.State.Pid}}'))
      return { pid, cgroup: cgroupOf(pid, 'memory'), killMonitor: () => process.kill(parentOf(pid), 'SIGKILL') }
    }
    const once = await stage.ok('run', '-d', tiny, 'sh', '-c', 'sleep 99 & sleep 99')
    const waiting = stage.ok('wait', once)
    const first = await victim(once)
    first.killMonitor()
    assert.equal(await waiting, '137')
    assert.equal(await state(once, '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}'), 'exited 137 0')
    assert.ok(!existsSync(first.cgroup) && hasEnded(first.pid))
    await stage.ok('start', once)
    await stage.ok('rm', '-f', once)
    const always = await stage.ok('run', '-d', '--restart', 'always', tiny, 'sleep', '99')
    const second = await victim(always)
    second.killMonitor()
    await eventually(async () => assert.equal(await state(always, '{{.State.Status}} {{.RestartCount}}'), 'running 1'))
    assert.ok(hasEnded(second.pid))
    const third = await victim(always)
    await stage.engine.kill9()
    third.killMonitor()
    await stage.engine.start()
    await eventually(async () => assert.equal(await state(always, '{{.State.Status}} {{.RestartCount}}'), 'running 2'))
    assert.notEqual((await victim(always)).pid, third.pid)
    await stage.ok('rm', '-f', always)
  })

  void test('a kill for memory is an event, also when the first process lives on', async () => {
    await using container = await stage.container('-m', '32m', '--memory-swap', '32m', tiny, 'sh', '-c', 'dd if=/dev/zero of=/dev/null bs=90M count=1; sleep 99')
    await eventually(async () => assert.ok((await actions(container.id)).includes('oom')))
    assert.equal(await container.inspect('{{.State.Status}}'), 'running')
  })

  void test('signals by any of their names, the stop signal, and what cannot be done', async () => {
    await using container = await stage.container('--stop-signal', 'SIGUSR2', '--stop-timeout', '7', tiny, 'sh', '-c', 'trap "echo one" USR1; trap "echo two; exit 9" USR2; while :; do sleep .1; done')
    for (const name of ['SIGUSR1', 'USR1', 'usr1', '10']) await stage.ok('kill', '-s', name, container.id)
    await eventually(async () => assert.match(await stage.ok('logs', container.id), /one/))
    assert.match((await stage.docker('kill', '-s', 'NOPE', container.id)).stderr, /invalid signal: NOPE/i)
    assert.match((await stage.docker('unpause', container.id)).stderr, /is not paused/)
    await stage.ok('pause', container.id)
    assert.match((await stage.docker('pause', container.id)).stderr, /is already paused/)
    assert.match((await stage.docker('start', container.id)).stderr, /cannot start a paused container, try unpause instead/)
    await stage.ok('unpause', container.id)
    await using other = await stage.container(tiny, 'sleep', '99')
    await stage.ok('rename', other.id, 'taken')
    assert.match((await stage.docker('rename', container.id, 'taken')).stderr, new RegExp(`The container name "/taken" is already in use by container "?${other.id}`))
    await stage.ok('stop', container.id)
    assert.equal(await stage.ok('wait', container.id), '9')
    assert.match((await stage.docker('pause', container.id)).stderr, /is not running/)
    assert.match((await stage.docker('kill', container.id)).stderr, /is not running/)
  })

  void test('a watcher of events that sets weights sees each start', async () => {
    const watched = new Promise<string>((resolve) => {
      void stage.dockerWith({ timeout: 30_000 }, 'events', '--filter', 'event=start', '--filter', 'container=watched', '--format', '{{.ID}}', '--until', String(Math.floor(Date.now() / 1000) + 4)).then(({ stdout }) => resolve(stdout))
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await using container = await stage.container('--name', 'watched', tiny, 'sleep', '99')
    await stage.ok('restart', '-t', '0', container.id)
    assert.deepEqual((await watched).trim().split('\n').map((id) => container.id.startsWith(id)), [true, true])
  })

  void test('gantry set writes at once, and again at each start, whoever starts', own, async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.equal(await gantry('set', container.id, 'cpu.weight=50', 'pids.max=33'), 'cpu.weight=50\npids.max=33')
    const weight = unified ? '50' : '1287'
    const pid = async () => Number(await container.inspect('{{.State.Pid}}'))
    const holds = async () => assert.deepEqual([cgroupValue(await pid(), 'cpu.weight'), cgroupValue(await pid(), 'pids.max')], [weight, '33'])
    await holds()
    await stage.ok('restart', '-t', '0', container.id)
    await holds()
    await stage.ok('stop', '-t', '0', container.id)
    await stage.engine.kill9()
    await stage.engine.start()
    await stage.ok('start', container.id)
    await holds()
    writeFileSync(cgroupFile(await pid(), 'pids.max'), '44')
    assert.match(await gantry('set', '--adopt', container.id), /^pids\.max=44$/m)
    await stage.ok('update', '--pids-limit', '55', container.id)
    await stage.ok('restart', '-t', '0', container.id)
    assert.equal(cgroupValue(await pid(), 'pids.max'), '55')
    assert.equal(await gantry('set', container.id, 'cpu.weight='), '')
    for (const [word, text] of [['cgroup.procs=1', /it is no limit of a cgroup/], ['memory.none=1', /this host's cgroups do not have it/], ['pids.max=many', /cannot write "many" to pids\.max: EINVAL/], ['x', /it must be FILE=VALUE/]] as const) {
      await assert.rejects(gantry('set', container.id, word), text)
    }
  })

  void test('gantry cgroup shows each file as cat does', own, async () => {
    await using container = await stage.container('--pids-limit', '21', '-c', '512', tiny, 'sleep', '99')
    const values = JSON.parse(await gantry('cgroup', '--json', container.id)) as { file: string; path: string; value: string; unified?: { file: string; value: string } }[]
    assert.ok(values.length > 20)
    for (const { path: file, value } of values.filter(({ file: name }) => /\.(max|shares|weight|cpus|limit_in_bytes)$/.test(name))) assert.equal(value, readFileSync(file, 'utf8').replace(/\n$/, ''))
    assert.match(await gantry('cgroup', container.id, 'pids.max', 'cpu.weight'), new RegExp(`${cgroupOf(container.pid, 'pids')}\n  pids.max: 21`))
    if (!unified) assert.deepEqual(values.find(({ file }) => file === 'cpu.shares')?.unified, { file: 'cpu.weight', value: '20' })
  })

  void test('one call reads what all containers use', own, async () => {
    await using one = await stage.container('--name', 'one', tiny, 'sh', '-c', 'while :; do :; done')
    await using two = await stage.container('--name', 'two', tiny, 'sleep', '99')
    const call = async () => JSON.parse((await stage.engine.api({ path: '/gantry/v1/stats' })).text) as { containers: { id: string; pids_stats: { current: number }; precpu_stats: { cpu_usage: { total_usage: number } }; cpu_stats: { cpu_usage: { total_usage: number } } }[]; pressure: object }
    await call()
    const { pressure } = await eventually(async () => {
      const { containers, ...host } = await call()
      assert.deepEqual(containers.map(({ id }) => id).toSorted(), [one.id, two.id].toSorted())
      const busy = containers.find(({ id }) => id === one.id)
      assert.ok(busy !== undefined && busy.cpu_stats.cpu_usage.total_usage > busy.precpu_stats.cpu_usage.total_usage && busy.precpu_stats.cpu_usage.total_usage > 0)
      return host
    })
    assert.deepEqual(Object.keys(pressure), ['cpu', 'memory', 'io'].filter((resource) => read(`/proc/pressure/${resource}`) !== ''))
    const { stdout } = await makeClient('gantry', stage.engine).docker('stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}} {{.PIDs}} {{.Pressure}}')
    assert.match(stdout, /^one \d+\.\d\d% 1 /m)
    assert.match(stdout, /^two \d+\.\d\d% 1 /m)
  })

  void test('gantry says what to do next', own, async () => {
    const client = makeClient('gantry', stage.engine)
    await using bare = await stage.container(tiny, 'sh', '-c', 'mkdir /own; cp /bin/busybox /own/sleep; rm -r /bin/*; exec /own/sleep 99')
    await eventually(async () => assert.match(await stage.ok('top', bare.id), /\/own\/sleep 99/))
    const noShell = await client.docker('exec', bare.id, '/bin/sh')
    assert.equal(noShell.code, 127)
    assert.match(noShell.stdout, /^OCI runtime exec failed: exec failed: unable to start container process: exec: "\/bin\/sh": .*no such file or directory: unknown/)
    assert.match(noShell.stderr, /The image has no \/bin\/sh, and no other program where programs are looked for/)
    await using outyet = await stage.container('--workdir', '/own', tiny, 'sh', '-c', 'cp /bin/busybox /own/sleep; rm -r /bin/*; exec /own/sleep 99')
    await eventually(async () => assert.match(await stage.ok('top', outyet.id), /\/own\/sleep 99/))
    assert.match((await client.docker('exec', outyet.id, 'sh')).stderr, /The image has no sh; its programs are: \/own\/sleep\./)
    await using first = await stage.container('--name', 'publisher', '-p', '127.0.0.1:18087:80', tiny, 'sleep', '99')
    const taken = await client.docker('run', '--rm', '-p', '127.0.0.1:18087:80', tiny, 'true')
    assert.match(taken.stderr, /port is already allocated/)
    assert.match(taken.stderr, /Port 18087 is published by container publisher\. Try another port, or 'gantry stop publisher'\./)
    assert.equal(await first.inspect('{{.State.Running}}'), 'true')
  })
}, { images: [tiny] })
