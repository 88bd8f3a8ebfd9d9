import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { openTerminal } from './harness/terminal.ts'
import { eventually } from './harness/eventually.ts'
import { alive, allPids, commandLine } from './harness/processes.ts'
import { findProgram } from './harness/program.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, throughEachClient, tiny } from './harness/stories.ts'

const counting = ['sh', '-c', 'trap "exit 3" TERM; i=0; while :; do echo line $i; i=$((i+1)); sleep 0.1; done']
const entries = (text: string) => text.split('\n').length
const missing = (name: string) => engineUnderTest === 'dockerd' ? 'Gantry only' : findProgram(name) === undefined && `${name} is not installed`
const flags = engineUnderTest === 'gantryd' ? ['--add-runtime', 'own=runc', '--add-runtime', 'gone=/nonexistent/runtime'] : []

throughEachClient('runtimes', (stage) => {
  void test('info and inspect tell them, an unknown one is refused', { skip: engineUnderTest === 'dockerd' && 'Gantry only' }, async () => {
    const runtimes = JSON.parse(await stage.ok('info', '-f', '{{json .Runtimes}}')) as Record<string, { path: string }>
    assert.equal(runtimes['gone']?.path, '/nonexistent/runtime')
    assert.equal(runtimes['runc']?.path, findProgram('runc'))
    assert.equal(await stage.ok('info', '-f', '{{.DefaultRuntime}}'), 'gantry')
    await using usual = await stage.container(tiny, 'sleep', '60')
    assert.equal(await usual.inspect('{{.HostConfig.Runtime}}'), 'gantry')
    const unknown = await stage.docker('run', '--rm', '--runtime', 'nope', tiny, 'true')
    assert.equal(unknown.code, 125)
    assert.match(unknown.stderr, /unknown or invalid runtime name: nope/)
    const gone = await stage.docker('run', '--rm', '--runtime', 'gone', tiny, 'true')
    assert.match(gone.stderr, /OCI runtime create failed: run \/nonexistent\/runtime: no such file or directory: unknown/)
  })

  for (const name of ['runc', 'crun', 'runsc']) {
    void describe(`with ${name}`, { skip: missing(name), concurrency: false }, () => {
      void test('output, input, exit codes and users are as with the built-in one', async () => {
        const run = (...args: string[]) => stage.docker('run', '--rm', '--runtime', name, ...args)
        const both = await run(tiny, 'sh', '-c', 'echo out; echo err >&2; exit 7')
        assert.deepEqual([both.code, both.stdout, both.stderr], [7, 'out\n', 'err\n'])
        const echoed = await stage.dockerWith({ input: 'typed\n' }, 'run', '--rm', '-i', '--runtime', name, tiny, 'cat')
        assert.equal(echoed.stdout, 'typed\n')
        const missingCommand = await run(tiny, 'nosuch')
        assert.equal(missingCommand.code, 127, missingCommand.stderr)
        assert.match(missingCommand.stderr, /OCI runtime (create|start) failed: .*nosuch.*: unknown/)
        const plain = await run('--read-only', '-u', '500:600', '--init', '-v', `${stage.engine.directory}/home:/v:ro`, tiny, 'sh', '-c', 'id -u; id -g; touch /x || ls -d /v')
        assert.equal(plain.stdout, '500\n600\n/v\n', plain.stderr)
      })

      void test('the command line of the runtime lists the container, and no runtime process stays', async () => {
        await using container = await stage.container('--runtime', name, tiny, 'sleep', '60')
        assert.equal(await container.inspect('{{.HostConfig.Runtime}}'), name)
        const root = path.join(stage.engine.execRoot, 'runtimes', name)
        // On the engine's network host: runsc asks the sandbox over an abstract socket.
        const list = await stage.engine.host.must([findProgram(name)!, '--root', root, 'list'])
        assert.match(list, new RegExp(`${container.id}\\s+${container.pid}\\s+running\\s+\\S+/containers/${container.id}`))
        if (name === 'runsc') return // its sandbox and its gofer are the container
        const left = () => allPids().map(commandLine).filter((words) => words[0] === findProgram(name) && words.includes(root))
        await eventually(() => assert.deepEqual(left(), []), 1000)
      })

      void test('exec has streams, a terminal and exit codes; top and pause work', async () => {
        await using container = await stage.container('--runtime', name, tiny, 'sleep', '60')
        const failed = await stage.docker('exec', container.id, 'sh', '-c', 'echo out; echo err >&2; exit 5')
        assert.deepEqual([failed.code, failed.stdout, failed.stderr], [5, 'out\n', 'err\n'])
        assert.equal((await stage.dockerWith({ input: 'typed\n' }, 'exec', '-i', container.id, 'cat')).stdout, 'typed\n')
        assert.equal((await stage.docker('exec', container.id, 'nosuch')).code, 127)
        assert.match(await stage.ok('top', container.id), /PID/)
        await stage.ok('pause', container.id)
        assert.equal(await container.inspect('{{.State.Status}}'), 'paused')
        await stage.ok('unpause', container.id)
        assert.equal(await stage.ok('exec', container.id, 'echo', 'goes on'), 'goes on')
      })

      void test('a terminal is one', async () => {
        await using terminal = await openTerminal(stage)
        await terminal.type(`$D run -it --rm --runtime ${name} ${tiny} sh; echo code=$?`)
        await terminal.shows(/\/ #$/)
        await terminal.type('[ -t 0 ] && [ -t 1 ] && echo is-a-$((40+2))-terminal')
        await terminal.shows(/is-a-42-terminal/)
        await terminal.type('exit 6')
        await terminal.shows(/code=6/)
      })

      void test('its address is the one of inspect, and the files are there', async () => {
        await using container = await stage.container('--runtime', name, '--hostname', 'named', tiny, 'sleep', '60')
        const address = await container.inspect('{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
        assert.match(await stage.ok('exec', container.id, 'ip', 'addr', 'show', 'eth0'), new RegExp(`inet ${address.replaceAll('.', '\\.')}/`))
        assert.equal(await stage.ok('exec', container.id, 'cat', '/etc/hostname'), 'named')
        assert.match(await stage.ok('exec', container.id, 'cat', '/etc/hosts'), new RegExp(`${address}\\s+named`))
        await stage.ok('exec', container.id, 'cat', '/etc/resolv.conf')
      })

      void test('it is found again after kill -9 of the daemon, running or paused, and stops as any other', async () => {
        await using running = await stage.container('--runtime', name, tiny, ...counting)
        await using paused = await stage.container('--runtime', name, tiny, ...counting)
        await stage.ok('pause', paused.id)
        await stage.engine.kill9()
        await stage.engine.start()
        assert.equal(await running.inspect('{{.State.Status}} {{.State.Pid}}'), `running ${running.pid}`)
        assert.equal(await paused.inspect('{{.State.Status}}'), 'paused')
        assert.equal(await stage.ok('exec', running.id, 'echo', 'still here'), 'still here')
        await stage.ok('stop', running.id, paused.id)
        for (const container of [running, paused]) {
          assert.equal(await container.inspect('{{.State.Status}} {{.State.ExitCode}}'), 'exited 3')
          assert.ok(!alive(container.pid))
        }
        const lines = (await stage.ok('logs', running.id)).split('\n')
        assert.deepEqual(lines, lines.map((_, index) => `line ${index}`))
      })

      void test('nothing of it is left behind', async () => {
        const id = await stage.ok('run', '-d', '--runtime', name, tiny, 'sleep', '60')
        await stage.ok('rm', '-f', id)
        assert.deepEqual(readdirSync(path.join(stage.engine.execRoot, 'runtimes', name)).filter((entry) => entry.includes(id)), [])
      })
    })
  }

  void test('gVisor is a kernel of its own', { skip: missing('runsc') }, async () => {
    const sandboxed = (...command: string[]) => stage.ok('run', '--rm', '--runtime', 'runsc', tiny, ...command)
    assert.match(await sandboxed('dmesg'), /Starting gVisor/)
    assert.notEqual(await sandboxed('uname', '-r'), (await must(['uname', '-r'])).trim())
    assert.ok((await sandboxed('mount')).split('\n').length < 12)
    assert.ok((await stage.ok('run', '--rm', tiny, 'mount')).split('\n').length >= 20)
    assert.ok(entries(await sandboxed('ls', '/proc')) < entries(await stage.ok('run', '--rm', tiny, 'ls', '/proc')) / 2)
    assert.match(await sandboxed('ip', 'addr', 'show', 'lo'), /mtu 655(22|36)/)
  })
}, { images: [tiny], flags })
