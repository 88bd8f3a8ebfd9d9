import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { nativeFile } from '../../../src/kernel/native-files.ts'

const init = nativeFile('gantry-init')

/** As a container runs it: PID 1 of its own pid namespace. */
function contained(...argv: string[]): string[] {
  return ['--pid', '--fork', '--mount-proc', '--kill-child', init, '--', ...argv]
}

test('the exit code is that of the command', () => {
  assert.equal(spawnSync('unshare', contained('sh', '-c', 'exit 7')).status, 7)
})

test('a command is looked up in PATH, and one that is not there gives 127', () => {
  assert.equal(spawnSync(init, ['--', 'true'], { env: { PATH: '/nonexistent:/bin' } }).status, 0)
  assert.equal(spawnSync(init, ['--', 'true'], { env: { PATH: '/nonexistent' } }).status, 127)
  assert.equal(spawnSync(init, ['--', '/etc/passwd']).status, 126)
})

test('orphans are reaped', () => {
  // The grandchild outlives its parent by a moment, then nothing but init and the shell is left.
  const { stdout } = spawnSync('unshare', contained('sh', '-c', '(sleep 0.1 & ); sleep 0.4; grep -l "State:.Z" /proc/[0-9]*/status; echo done'), { encoding: 'utf8' })
  assert.equal(stdout, 'done\n')
})

test('signals are passed on', async () => {
  const child = spawn(init, ['--', 'sh', '-c', 'trap "exit 42" TERM; echo ready; while :; do sleep 0.05; done'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 42)
})
