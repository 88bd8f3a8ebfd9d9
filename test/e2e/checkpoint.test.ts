import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { OciSpec } from '../../src/runc/spec.ts'
import { sampleSpec } from '../unit/runc/sample-spec.ts'
import { rootfsArchive, tiny } from './harness/image.ts'
import { makePrivateDirectory, mountsOf, processesOf, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { findProgram, program } from './harness/program.ts'
import { type Finished, must, run } from './harness/run.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'

/** What a checkpoint must not leave when it fails; where criu knows the kernel, `test/vm/checkpoint.test.ts` goes all the way. */
void describe('gantry-runc checkpoint where it cannot work', { concurrency: false }, () => {
  let directory = ''
  const place = (name: string): string => path.join(directory, name)
  const call = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> => run([program('gantry-runc'), '--root', place('state'), ...args], { env: { ...process.env, ...env } })
  const status = async (): Promise<unknown> => (JSON.parse((await call({}, 'state', 'one')).stdout) as Record<string, unknown>)['status']

  before(async () => {
    await sweep()
    directory = makePrivateDirectory()
    for (const name of ['rootfs', 'bin']) mkdirSync(place(name))
    await must(['tar', '-C', place('rootfs'), '-xf', await rootfsArchive(tiny)])
    const spec: OciSpec = sampleSpec(place('rootfs'), { args: ['sleep', '99'], env: ['PATH=/bin'] })
    writeFileSync(place('config.json'), JSON.stringify(spec))
    await must(['sh', '-c', `exec "$@" </dev/null >/dev/null 2>&1`, 'sh', program('gantry-runc'), '--root', place('state'), 'run', '-d', '-b', directory, 'one'])
  })
  after(async () => {
    if (directory === '') return
    await call({}, 'delete', '-f', 'one')
    assert.deepEqual([processesOf(directory), mountsOf(directory)], [[], []])
    await removePrivateDirectory(directory)
    dropSharedCgroups()
  })

  /** A criu of one's own in front of any other. */
  function pretend(script: string): NodeJS.ProcessEnv {
    writeFileSync(place('bin/criu'), `#!/bin/sh\n${script}\n`)
    chmodSync(place('bin/criu'), 0o755)
    return { PATH: `${place('bin')}:${process.env.PATH}` }
  }

  void test('says what criu said, and leaves the container, but no images', async () => {
    const env = pretend('echo "Error (criu/util.c:627): execvp(iptables) failed" >&2; echo "(00.1) Error (criu/files.c:7): Cannot dump a unicorn" >&2; echo "(00.2) Error (criu/cr-dump.c:9): Dumping FAILED." >&2; exit 1')
    mkdirSync(place('images'))
    writeFileSync(place('images/mine'), '')
    const { code, stderr } = await call(env, 'checkpoint', '--image-path', place('images'), 'one')
    assert.equal(code, 1)
    assert.match(stderr, /cannot checkpoint container one: criu: Cannot dump a unicorn; Dumping FAILED\.\W*$/)
    assert.deepEqual(readdirSync(place('images')), ['mine'])
    assert.equal(await status(), 'running')
    assert.match((await call(pretend('exit 0'), 'checkpoint', '--image-path', place('images'), 'one')).stderr, /criu: it ended without a word/)
  })

  void test('a restore that fails leaves nothing: no container, no cgroup, no mount', async () => {
    writeFileSync(place('images/descriptors.json'), '[]')
    const restore = ['restore', '-b', directory, '--image-path', place('images'), 'two']
    const { code, stderr } = await call(pretend('echo "(00.1) Error (criu/image.c:3): No inventory" >&2; exit 1'), ...restore)
    assert.equal(code, 1)
    assert.match(stderr, /cannot restore container two: criu: No inventory/)
    assert.deepEqual(readdirSync(place('state')), ['one'])
    assert.equal(existsSync('/sys/fs/cgroup/pids/gantry-runc/two') || existsSync('/sys/fs/cgroup/gantry-runc/two'), false)
    assert.deepEqual(mountsOf(directory), [])
  })

  void test('refuses flags that make no sense, before it does anything', async () => {
    const refusals: [string[], RegExp][] = [
      [['--manage-cgroups-mode', 'odd'], /Invalid manage cgroups mode/], [['--empty-ns', 'pid'], /namespace \W*pid\W* is not supported/], [['--page-server', 'here'], /Use --page-server ADDRESS:PORT/],
      [['--parent-path', '/first'], /--parent-path must be relative/], [['--parent-path', 'first'], /invalid --parent-path: .*first is not a directory/],
    ]
    for (const [flags, error] of refusals) assert.match((await call(pretend('exit 9'), 'checkpoint', ...flags, '--image-path', place('images'), 'one')).stderr, error)
    assert.match((await call({}, 'restore', '-b', directory, '--image-path', place('none'), 'two')).stderr, /cannot use --image-path/)
    assert.match((await call({}, 'restore', '-b', directory, '--lsm-profile', 'odd', '--image-path', place('images'), 'two')).stderr, /invalid --lsm-profile odd|criu is not installed/)
    assert.deepEqual(readdirSync(place('state')), ['one'])
  })

  void test('the real criu does it, or says why it cannot on this kernel', { skip: findProgram('criu') === undefined && 'not installed: criu' }, async () => {
    const { code, stderr } = await call({}, 'checkpoint', '--leave-running', '--image-path', place('real'), 'one')
    assert.equal(await status(), 'running')
    if (code === 0) return
    assert.match(stderr, /cannot checkpoint container one: criu: .+\(log file: .*\/real\/dump\.log\)/)
    assert.match(readFileSync(place('real/dump.log'), 'latin1'), /Error/)
    assert.deepEqual(readdirSync(place('real')), ['dump.log'])
  })
})
