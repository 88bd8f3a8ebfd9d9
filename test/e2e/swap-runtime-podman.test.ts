import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rootfsArchive, tiny } from './harness/image.ts'
import { makeHost, type NetworkHost } from './harness/network-host.ts'
import { makePrivateDirectory, processesOf, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { findProgram, program } from './harness/program.ts'
import { type Finished, type RunOptions, must, run } from './harness/run.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'

const absent = ['podman', 'conmon'].filter((name) => findProgram(name) === undefined)

void describe('gantry-runc under podman and conmon', { concurrency: false, skip: absent.length > 0 && `not installed: ${absent.join(', ')}` }, () => {
  let directory = ''
  let host: NetworkHost
  let podman: (options: RunOptions, ...args: string[]) => Promise<Finished>

  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await podman({}, ...args)
    assert.equal(code, 0, `podman ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  before(async () => {
    await sweep()
    directory = makePrivateDirectory()
    host = await makeHost()
    const place = (name: string): string => path.join(directory, name)
    mkdirSync(place('tmp'))
    // Its default limits cannot be set on hosts that lack CAP_SYS_RESOURCE.
    writeFileSync(place('containers.conf'), '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    const places = ['--root', place('root'), '--runroot', place('run'), '--tmpdir', place('tmp')]
    const drivers = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--storage-driver', 'overlay', '--runtime', program('gantry-runc')]
    const command = [...host.enter, program('podman'), ...places, ...drivers]
    const env = { ...process.env, HOME: directory, CONTAINERS_CONF: place('containers.conf') }
    podman = (options, ...args) => run([...command, ...args], { ...options, env })
    await must([...command, 'import', '-c', 'CMD ["true"]', '-c', 'ENV PATH=/bin', await rootfsArchive(tiny), tiny], { env })
  })
  after(async () => {
    if (directory === '') return
    await podman({}, 'rm', '-fa', '-t', '0')
    assert.deepEqual(processesOf(directory), [])
    await removePrivateDirectory(directory)
    await host.close()
    dropSharedCgroups()
  })

  const started = ['run', '--network', 'none']

  void test('runs a command with its output, its input and its exit code', async () => {
    assert.equal(await ok('info', '--format', '{{.Host.OCIRuntime.Path}}'), program('gantry-runc'))
    assert.match(await ok('info', '--format', '{{.Host.OCIRuntime.Version}}'), /gantry-runc version/)
    const { code, stdout, stderr } = await podman({}, ...started, '--rm', tiny, 'sh', '-c', 'echo out; echo err >&2; exit 7')
    assert.deepEqual([code, stdout, stderr], [7, 'out\n', 'err\n'])
    assert.equal((await podman({ input: 'through\n' }, ...started, '-i', '--rm', tiny, 'cat')).stdout, 'through\n')
  })

  void test('tells why a command cannot start, so that podman finds its exit code', async () => {
    const missing = await podman({}, ...started, '--rm', tiny, 'not-there')
    assert.equal(missing.code, 127, missing.stderr)
    assert.match(missing.stderr, /not-there.*executable file not found in \$PATH/)
    assert.equal((await podman({}, ...started, '--rm', tiny, '/not-executable')).code, 126)
  })

  void test('creates, starts, enters, pauses, stops, and keeps the log', async () => {
    await ok('create', '--network', 'none', '--name', 'one', tiny, 'sh', '-c', 'echo begun; trap "exit 5" TERM; while :; do sleep 0.1; done')
    await ok('start', 'one')
    assert.equal(await ok('exec', '-e', 'A=b', 'one', 'sh', '-c', 'echo $A'), 'b')
    assert.equal((await podman({}, 'exec', 'one', 'sh', '-c', 'exit 9')).code, 9)
    assert.equal((await podman({}, 'exec', 'one', 'not-there')).code, 127)
    await ok('pause', 'one')
    assert.equal(await ok('inspect', '-f', '{{.State.Status}}', 'one'), 'paused')
    await ok('unpause', 'one')
    await ok('stop', 'one')
    assert.equal(await ok('inspect', '-f', '{{.State.ExitCode}}', 'one'), '5')
    assert.equal(await ok('logs', 'one'), 'begun')
    await ok('rm', 'one')
  })

  void test('gives a terminal', async () => {
    const { code, stdout } = await podman({}, ...started, '-t', '--rm', tiny, 'sh', '-c', 'tty; exit 3')
    assert.deepEqual([code, stdout.trim()], [3, '/dev/pts/0'])
  })

  void test('leaves nothing after ten in a row', async () => {
    for (let turn = 0; turn < 10; turn++) assert.equal((await podman({}, ...started, '--rm', tiny, 'echo', String(turn))).stdout, `${turn}\n`)
    assert.equal(await ok('ps', '-aq'), '')
    assert.deepEqual(processesOf(directory), [])
  })
})
