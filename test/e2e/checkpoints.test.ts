import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'
import { tiny, throughEachClient } from './harness/stories.ts'

/** A criu of one's own, in front of any other: what a failure must leave. Where criu knows the kernel, test/vm goes all the way. */
const directory = makePrivateDirectory()
const criu = path.join(directory, 'criu')
const say = (words: string): void => {
  writeFileSync(criu, `#!/bin/sh\necho "(00.1) Error (criu/files.c:7): ${words}" >&2; exit 1\n`)
  chmodSync(criu, 0o755)
}
say('Cannot dump a unicorn')
after(() => removePrivateDirectory(directory))

const options = { flags: ['--experimental'], images: [tiny], enter: () => ['env', `PATH=${directory}:${process.env.PATH}`] }

throughEachClient('checkpoints', (stage) => {
  const place = (id: string): string => path.join(stage.engine.dataRoot, 'containers', id, 'checkpoints')

  void test('what criu refuses is told in its words; the container goes on as it was, and there is no checkpoint', async () => {
    await using container = await stage.container('--restart', 'always', tiny, 'sleep', '99')
    const refused = await stage.docker('checkpoint', 'create', container.id, 'first')
    assert.deepEqual([refused.code, refused.stdout], [1, ''])
    assert.equal(refused.stderr.trim(), `Error response from daemon: Cannot checkpoint container ${container.id}: criu: Cannot dump a unicorn`)
    assert.deepEqual([await container.inspect('{{.State.Status}} {{.State.Pid}} {{.RestartCount}}'), readdirSync(place(container.id))], [`running ${container.pid} 0`, []])
    assert.equal(await stage.ok('exec', container.id, 'echo', 'inside'), 'inside')
    assert.equal((await stage.docker('checkpoint', 'create', container.id, 'x')).stderr.trim(), 'Error response from daemon: Invalid checkpoint ID (x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed')
  })

  void test('a restore that fails leaves nothing, and the container can be started', async () => {
    const id = await stage.ok('create', '-p', '18080:80', '--memory', '32m', tiny, 'sleep', '99')
    mkdirSync(path.join(place(id), 'bad'))
    writeFileSync(path.join(place(id), 'bad', 'descriptors.json'), '["/dev/null","pipe:[1]","pipe:[2]"]')
    assert.equal(await stage.ok('checkpoint', 'ls', id), 'CHECKPOINT NAME\nbad')
    for (const more of [[], ['-a']]) {
      const { code, stderr } = await stage.docker('start', ...more, '--checkpoint', 'bad', id)
      assert.equal(code, 1)
      assert.match(stderr, /^Error response from daemon: cannot restore from the checkpoint: criu: Cannot dump a unicorn$/m)
    }
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}}', id), 'created false 0 128')
    assert.equal(existsSync(path.join(stage.engine.execRoot, 'containers', id)), false)
    await stage.ok('start', id)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}} {{json .NetworkSettings.Ports}}', id), 'running {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"18080"},{"HostIp":"::","HostPort":"18080"}]}')
    await stage.ok('rm', '-f', id)
  })

  void test('commands on what is not there answer as those of Docker', async () => {
    const id = await stage.ok('create', tiny, 'true')
    const answers: [string[], string][] = [
      [['checkpoint', 'ls', 'nobody'], 'Error response from daemon: No such container: nobody'],
      [['checkpoint', 'create', id, 'first'], `Error response from daemon: container ${id} is not running`],
      [['checkpoint', 'rm', id, 'first'], `Error response from daemon: checkpoint first does not exist for container ${id}`],
      [['checkpoint', 'ls', '--checkpoint-dir', '/nowhere', id], `Error response from daemon: checkpoint  does not exist for container ${id}`],
      [['start', '--checkpoint', 'first', 'one', 'two'], 'you cannot restore multiple containers at once'],
    ]
    for (const [words, error] of answers) {
      const { code, stderr } = await stage.docker(...words)
      assert.deepEqual([code, stderr.trim()], [1, error])
    }
    mkdirSync(path.join(place(id), 'first'))
    mkdirSync(path.join(directory, 'mine', 'second'), { recursive: true })
    assert.equal(await stage.ok('checkpoint', 'ls', '--checkpoint-dir', path.join(directory, 'mine'), id), 'CHECKPOINT NAME\nsecond')
    await stage.ok('checkpoint', 'rm', id, 'first')
    assert.deepEqual(readdirSync(place(id)), [])
    assert.equal(await stage.ok('info', '-f', '{{.ExperimentalBuild}}'), 'true')
    await stage.ok('rm', id)
  })
}, options)
