import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { program } from './harness/program.ts'
import { must, run } from './harness/run.ts'
import { engineUnderTest, tiny, tools, throughEachClient, type Stage } from './harness/stories.ts'

const skip = engineUnderTest === 'dockerd' && 'dockerd 20.10 has it as an experiment, and other texts'

/** One sample, read as a scraper does, from the engine's own network. */
async function sample(stage: Stage, line: string): Promise<number> {
  const text = await stage.engine.host.must(['curl', '-sf', 'http://127.0.0.1:9323/metrics'])
  return Number(text.split('\n').find((each) => each.startsWith(`${line} `))?.slice(line.length + 1))
}

const actions = (action: string): string => `engine_daemon_container_actions_seconds_count{action="${action}"}`

throughEachClient('the daemon itself', (stage) => {
  void test('metrics count what happens', { skip }, async () => {
    const before = { start: await sample(stage, actions('start')), delete: await sample(stage, actions('delete')) }
    await using running = await stage.container('--health-cmd', 'false', '--health-interval', '100ms', tiny, 'sleep', '99')
    await using paused = await stage.container(tiny, 'sleep', '99')
    await stage.ok('pause', paused.id)
    await stage.ok('run', '--rm', tiny, 'true')
    await eventually(async () => assert.ok((await sample(stage, 'engine_daemon_health_checks_failed_total')) >= 2))
    const states = await Promise.all(['running', 'paused', 'stopped'].map((state) => sample(stage, `engine_daemon_container_states_containers{state="${state}"}`)))
    assert.deepEqual(states, [1, 1, 0])
    await eventually(async () => assert.deepEqual([await sample(stage, actions('start')), await sample(stage, actions('delete'))], [before.start + 3, before.delete + 1]))
    const descriptors = (await must(['ls', `/proc/${stage.engine.pid()}/fd`])).split('\n').length
    const told = await sample(stage, 'process_open_fds')
    assert.ok(Math.abs(told - descriptors) < 10, `${told} descriptors, ${descriptors} in /proc`)
    assert.ok(running.pid > 0)
  })

  void test('SIGHUP reads daemon.json again, says so, and keeps the old where the new is wrong', { skip }, async () => {
    const file = path.join(stage.engine.directory, 'daemon.json')
    const reload = async (document: string, expected: RegExp): Promise<void> => {
      const from = stage.engine.log().length
      writeFileSync(file, document)
      process.kill(stage.engine.pid(), 'SIGHUP')
      await eventually(() => assert.match(stage.engine.log().slice(from), expected))
    }
    const since = String(Math.floor(Date.now() / 1000) - 1)
    await reload('{"labels": ["room=engine"], "default-shm-size": "8m", "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 77, "Hard": 88}}, "init": true}', /Reloaded configuration/)
    const told = (): Promise<string> => stage.ok('events', '--since', since, '--until', '0s', '--filter', 'type=daemon', '--format', '{{.Action}} {{.Actor.Attributes.labels}} {{index .Actor.Attributes "default-shm-size"}}')
    await eventually(async () => assert.equal(await told(), 'reload ["room=engine"] 8388608'))
    assert.equal(await stage.ok('info', '-f', '{{.Labels}}'), '[room=engine]')
    assert.equal(await stage.ok('run', '--rm', tools, 'sh', '-c', 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2; ulimit -Sn; ulimit -Hn; cat /proc/1/comm'), '8192\n77\n88\ndocker-init')
    assert.equal(await stage.ok('run', '--rm', '--shm-size', '9m', '--ulimit', 'nofile=55:66', '--init=false', tools, 'sh', '-c', 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2; ulimit -Hn; cat /proc/1/comm'), '9216\n66\ncat')
    await reload('{"labels": ["other=1"], "hosts": ["unix:///other"]}', /specified both as a flag and in the configuration file: hosts/)
    await reload('{"labels": [', /cannot reload the configuration/)
    assert.equal(await stage.ok('info', '-f', '{{.Labels}}'), '[room=engine]')
    await reload('{}', /Reloaded configuration/)
    assert.equal(await stage.ok('info', '-f', '{{.Labels}}'), '[]')
  })

  void test('enter works while the daemon hangs, and by what is written down', { skip }, async () => {
    await using container = await stage.container('-e', 'WORD=inside', '--name', 'entered', tiny, 'sleep', '99')
    const enter = (...args: string[]): ReturnType<typeof run> => run([program('gantry'), 'enter', '--data-root', stage.engine.dataRoot, ...args], { env: stage.env })
    process.kill(stage.engine.pid(), 'SIGSTOP')
    try {
      for (const ref of ['entered', container.id.slice(0, 10)]) {
        const { stdout, code, stderr } = await enter(ref, 'sh', '-c', 'echo $WORD; hostname; cat /proc/1/cmdline | tr "\\0" " "; exit 5')
        assert.deepEqual([stdout, code], [`inside\n${container.id.slice(0, 12)}\nsleep 99 `, 5], stderr)
      }
      const tool = await enter('--host-tools', 'entered', 'sh', '-c', 'readlink /proc/self/ns/net /proc/self/ns/uts; ps -o args= -p 1')
      const links = await must(['readlink', `/proc/${container.pid}/ns/net`, `/proc/${container.pid}/ns/uts`])
      assert.equal(tool.stdout.trim(), `${links}\nsleep 99`, tool.stderr)
      const only = await enter('-n', 'entered', 'sh', '-c', 'readlink /proc/self/ns/net /proc/self/ns/pid')
      assert.equal(only.stdout.trim(), `${links.split('\n')[0]}\n${await must(['readlink', '/proc/self/ns/pid'])}`, only.stderr)
      assert.match((await enter('nobody', 'true')).stderr, /No such container: nobody/)
    } finally {
      process.kill(stage.engine.pid(), 'SIGCONT')
    }
    assert.equal((await enter('nobody')).stderr.trim(), 'Error response from daemon: No such container: nobody')
  })

  void test('systemd is told when the engine serves, and containers are not told where', { skip }, async () => {
    const place = path.join(stage.engine.directory, 'notify')
    const listen = 'import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])\nwhile True: print(s.recv(99).decode(), end="", flush=True)'
    const listener = spawn('python3', ['-c', listen, place], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    listener.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    try {
      await eventually(() => must(['test', '-S', place]))
      await stage.engine.stop()
      const before = process.env['NOTIFY_SOCKET']
      process.env['NOTIFY_SOCKET'] = place
      try {
        await stage.engine.start()
      } finally {
        if (before === undefined) delete process.env['NOTIFY_SOCKET']
        else process.env['NOTIFY_SOCKET'] = before
      }
      await eventually(() => assert.equal(said, 'READY=1\n'))
      assert.equal(await stage.ok('run', '--rm', tiny, 'sh', '-c', 'echo "-$NOTIFY_SOCKET-"'), '--')
    } finally {
      listener.kill()
    }
  })
}, { flags: ['--metrics-addr', '127.0.0.1:9323'] })
