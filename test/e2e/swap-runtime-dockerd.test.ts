import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { type Footprint, assertNothingLeftOfContainers, assertNothingLeftOfEngine, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { findProgram, program } from './harness/program.ts'
import { openTerminal } from './harness/terminal.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'

const absent = ['dockerd', 'containerd', 'containerd-shim-runc-v2', 'docker'].filter((name) => findProgram(name) === undefined)

/** The original dockerd, containerd and shim, with gantry-runc where runc was: nothing of gantryd is running. */
void describe('gantry-runc under the original dockerd and containerd', { concurrency: false, skip: absent.length > 0 && `not installed: ${absent.join(', ')}` }, () => {
  let engine: Engine
  let client: Client
  let clean: Footprint

  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'dockerd', flags: ['--add-runtime', `gantry=${program('gantry-runc')}`, '--default-runtime', 'gantry', '--bridge', 'none', '--iptables=false'] })
    client = makeClient('docker', engine)
    clean = await takeFootprint(engine)
    await provideImages(client, [tiny])
  })
  after(async () => {
    if (engine === undefined) return
    try {
      await assertNothingLeftOfContainers(engine, clean)
      await engine.shutDown()
      await assertNothingLeftOfEngine(engine)
    } finally {
      await engine.remove()
    }
    dropSharedCgroups()
  })

  void test('is what makes the containers', async () => {
    assert.equal(await client.ok('info', '-f', '{{.DefaultRuntime}} {{(index .Runtimes "gantry").Path}}'), `gantry ${program('gantry-runc')}`)
    await using container = await client.container(tiny, 'sleep', '99')
    assert.equal(await container.inspect('{{.HostConfig.Runtime}}'), 'gantry')
    // The shim is its parent: there is no monitor of ours.
    const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${container.pid}/status`, 'utf8'))?.[1]
    assert.match(readFileSync(`/proc/${parent}/comm`, 'utf8'), /^containerd-shim/)
  })

  void test('runs a command, with its output, its input and its exit code', async () => {
    assert.deepEqual(await client.docker('run', '--rm', tiny, 'sh', '-c', 'echo out; echo err >&2; exit 7'), { code: 7, stdout: 'out\n', stderr: 'err\n' })
    assert.equal((await client.dockerWith({ input: 'through\n' }, 'run', '-i', '--rm', tiny, 'cat')).stdout, 'through\n')
    assert.equal((await client.docker('run', '--rm', tiny, 'true')).code, 0)
  })

  void test('tells why a command cannot start, so that docker finds its exit code', async () => {
    const missing = await client.docker('run', '--rm', tiny, 'not-there')
    assert.equal(missing.code, 127)
    assert.match(missing.stderr, /exec: "not-there": executable file not found in \$PATH/)
    const path = await client.docker('run', '--rm', tiny, '/not/there')
    assert.equal(path.code, 127)
    assert.match(path.stderr, /stat \/not\/there: no such file or directory/)
    const plain = await client.docker('run', '--rm', tiny, '/not-executable')
    assert.equal(plain.code, 126)
    assert.match(plain.stderr, /permission denied/)
  })

  void test('stops, kills and pauses', async () => {
    await using container = await client.container(tiny, 'sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.1; done')
    await client.ok('pause', container.id)
    assert.equal(await container.inspect('{{.State.Status}}'), 'paused')
    await client.ok('unpause', container.id)
    await client.ok('stop', container.id)
    assert.equal(await container.inspect('{{.State.ExitCode}}'), '5')
    await using other = await client.container(tiny, 'sleep', '99')
    await client.ok('kill', other.id)
    assert.equal(await client.ok('wait', other.id), '137')
  })

  void test('enters a container, attached and detached, and tells what failed', async () => {
    await using container = await client.container('-w', '/tmp', tiny, 'sleep', '99')
    assert.deepEqual(await client.docker('exec', '-e', 'A=b', '-u', 'user500', container.id, 'sh', '-c', 'id -u; pwd; echo $A; exit 9'), { code: 9, stdout: '500\n/tmp\nb\n', stderr: '' })
    assert.equal((await client.dockerWith({ input: 'in\n' }, 'exec', '-i', container.id, 'cat')).stdout, 'in\n')
    await client.ok('exec', '-d', container.id, 'touch', '/tmp/made')
    await eventually(() => client.ok('exec', container.id, 'test', '-e', '/tmp/made'))
    // What this docker makes of it is what it makes of runc's words.
    await using original = await client.container('--runtime', 'runc', tiny, 'sleep', '99')
    const missing = await client.docker('exec', container.id, 'not-there')
    assert.equal(missing.code, (await client.docker('exec', original.id, 'not-there')).code)
    assert.match(missing.stderr + missing.stdout, /executable file not found in \$PATH/)
  })

  void test('keeps to limits and rights, and measures', async () => {
    await using container = await client.container('-m', '64m', '--pids-limit', '50', '--cap-drop', 'ALL', tiny, 'sleep', '99')
    const cgroup = /memory:(.*)/.exec(readFileSync(`/proc/${container.pid}/cgroup`, 'utf8'))?.[1] ?? ''
    assert.equal(readFileSync(`/sys/fs/cgroup/memory${cgroup}/memory.limit_in_bytes`, 'utf8').trim(), String(64 << 20))
    assert.match(readFileSync(`/proc/${container.pid}/status`, 'utf8'), /^CapBnd:\t0{16}$/m)
    assert.match(await client.ok('stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', container.id), /\/ 64MiB 1$/)
    assert.match(await client.ok('top', container.id), /sleep 99/)
    await client.ok('update', '--memory', '96m', '--memory-swap', '96m', container.id)
    assert.equal(readFileSync(`/sys/fs/cgroup/memory${cgroup}/memory.limit_in_bytes`, 'utf8').trim(), String(96 << 20))
    const killed = await client.docker('run', '--rm', '-m', '16m', '--memory-swap', '16m', tiny, 'sh', '-c', 'x=a; while :; do x=$x$x; done')
    assert.equal(killed.code, 137)
  })

  void test('keeps the log of a detached container', async () => {
    await using container = await client.container(tiny, 'sh', '-c', 'for i in 1 2 3; do echo line $i; done')
    await client.ok('wait', container.id)
    assert.equal(await client.ok('logs', container.id), 'line 1\nline 2\nline 3')
  })

  void test('gives a terminal that resizes, and one for an exec', async () => {
    const stage = { ...client, engine }
    await using terminal = await openTerminal(stage, { columns: 90, rows: 25 })
    await terminal.type(`$D run -it --rm --name shell ${tiny} sh; echo left with $?`)
    await terminal.shows(/\/ #/, 20_000)
    await terminal.type('tty; stty size')
    await terminal.shows(/\/dev\/pts\/0\s+25 90/)
    await terminal.resize({ columns: 70, rows: 20 })
    await eventually(async () => {
      await terminal.type('stty size')
      await terminal.shows(/20 70/, 1000)
    })
    const inner = await client.docker('exec', '-t', 'shell', 'sh', '-c', 'tty; exit 3')
    assert.deepEqual([inner.code, inner.stdout.trim()], [3, '/dev/pts/1'])
    await terminal.type('exit 5')
    await terminal.shows(/left with 5/)
  })

  void test('leaves nothing after twenty containers in a row', async () => {
    for (let turn = 0; turn < 20; turn++) assert.equal((await client.docker('run', '--rm', tiny, 'echo', String(turn))).stdout, `${turn}\n`)
    assert.equal(await client.ok('ps', '-aq'), '')
    await assertNothingLeftOfContainers(engine, clean)
  })
})
