import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rootfsArchive, tiny } from './harness/image.ts'
import { makePrivateDirectory, processesOf, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { findProgram, program } from './harness/program.ts'
import { type Finished, type RunOptions, run } from './harness/run.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'

void describe('gantry-runc under buildah', { concurrency: false, skip: findProgram('buildah') === undefined && 'not installed: buildah' }, () => {
  let directory = ''
  let container = ''
  let buildah: (options: RunOptions, ...args: string[]) => Promise<Finished>

  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await buildah({}, ...args)
    assert.equal(code, 0, `buildah ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  before(async () => {
    await sweep()
    directory = makePrivateDirectory()
    const place = (name: string): string => path.join(directory, name)
    writeFileSync(place('registries.conf'), 'unqualified-search-registries = []\n')
    writeFileSync(place('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
    mkdirSync(place('context'))
    const command = [program('buildah'), '--root', place('root'), '--runroot', place('run'), '--storage-driver', 'vfs', '--registries-conf', place('registries.conf')]
    // Its other isolation, chroot, has no runtime.
    const env = { ...process.env, HOME: directory, TMPDIR: directory, BUILDAH_RUNTIME: program('gantry-runc'), BUILDAH_ISOLATION: 'oci' }
    buildah = (options, ...args) => run([...command, ...args], { ...options, env })
    container = await ok('from', 'scratch')
    await ok('add', container, await rootfsArchive(tiny), '/')
    await ok('config', '--env', 'PATH=/bin', '--cmd', 'true', container)
    await ok('commit', '--disable-compression', '--signature-policy', place('policy.json'), container, `localhost/${tiny}`)
  })
  after(async () => {
    if (directory === '') return
    await buildah({}, 'rm', '--all')
    assert.deepEqual(processesOf(directory), [])
    await removePrivateDirectory(directory)
    dropSharedCgroups()
  })

  const runInside = (options: RunOptions, ...args: string[]): Promise<Finished> => buildah(options, 'run', '--network', 'none', ...args)

  void test('runs a command with its output, its input and its exit code, every time', async () => {
    const { code, stdout } = await runInside({}, container, 'sh', '-c', 'id -u; cat /proc/self/cgroup')
    assert.deepEqual([code, stdout.split('\n')[0]], [0, '0'])
    assert.match(stdout, /buildah/, 'it is not in a cgroup of a container')
    assert.equal((await runInside({ input: 'through\n' }, container, 'cat')).stdout, 'through\n')
    // It waits for the process as soon as `create` is back: the process has to be its own by then.
    for (let round = 0; round < 4; round++) assert.equal((await runInside({}, container, 'sh', '-c', 'exit 7')).code, 7)
  })

  void test('tells why a command cannot start', async () => {
    const { code, stderr } = await runInside({}, container, 'not-there')
    assert.equal(code, 1)
    assert.match(stderr, /exec: \\?"not-there\\?": executable file not found in \$PATH/)
  })

  void test('gives a user, a volume, a limit and capabilities to a command', async () => {
    const volume = path.join(directory, 'volume')
    mkdirSync(volume)
    const { code, stdout, stderr } = await runInside({}, '--user', '1000:1000', '-v', `${volume}:/volume`, container, 'sh', '-c', 'id -u; id -g; grep CapEff /proc/self/status; grep " /volume " /proc/mounts | cut -d" " -f2')
    assert.equal(code, 0, stderr)
    assert.deepEqual(stdout.trim().split('\n'), ['1000', '1000', 'CapEff:\t0000000000000000', '/volume'])
  })

  void test('builds a Dockerfile: each step sees the one before, a failing one ends the build', async () => {
    const context = path.join(directory, 'context')
    const file = (...lines: string[]): void => writeFileSync(path.join(context, 'Dockerfile'), `FROM localhost/${tiny}\n${lines.join('\n')}\n`)
    const bud = ['bud', '--network', 'none', '--signature-policy', path.join(directory, 'policy.json'), '-t', 'localhost/built', context]
    file('RUN echo first > /made', 'USER 1000', 'RUN id -u; cat /made')
    const built = await ok(...bud)
    assert.match(built, /^1000\nfirst$/m)
    const second = await ok('from', '--pull-never', 'localhost/built')
    assert.equal((await runInside({}, second, 'cat', '/made')).stdout, 'first\n')
    file('RUN exit 3', 'RUN echo never')
    const failed = await buildah({}, ...bud)
    assert.equal(failed.code, 3)
    assert.doesNotMatch(failed.stdout, /^never/m)
  })
})
