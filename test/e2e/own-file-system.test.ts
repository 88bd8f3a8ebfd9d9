import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ownFileSystem } from '../bench/own-file-system.ts'
import { makePrivateDirectory, mountsOf, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { read } from './harness/processes.ts'
import { must } from './harness/run.ts'

void test('a file system of its own has a journal, and goes with the private directory', async () => {
  const directory = makePrivateDirectory()
  try {
    await ownFileSystem(path.join(directory, 'd'))
    writeFileSync(path.join(directory, 'd/file'), 'x')
    assert.match(await must(['dumpe2fs', '-h', path.join(directory, 'd.ext4')]), /has_journal/)
    assert.match(await must(['losetup', '-j', path.join(directory, 'd.ext4')]), /loop/)
  } finally {
    await removePrivateDirectory(directory)
  }
  assert.equal(existsSync(directory), false)
  assert.ok(!(await must(['losetup', '-a'])).includes(directory))
})

void test('what a killed run left of it is taken away by the next', async () => {
  const script = `
    import { makePrivateDirectory } from ${JSON.stringify(path.join(import.meta.dirname, 'harness/private-directory.ts'))}
    import { ownFileSystem } from ${JSON.stringify(path.join(import.meta.dirname, '../bench/own-file-system.ts'))}
    const directory = makePrivateDirectory()
    await ownFileSystem(directory + '/d')
    process.stdout.write(directory)
    setInterval(() => {}, 1000)`
  const run = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const directory = String((await once(run.stdout, 'data'))[0])
  const ended = once(run, 'exit')
  run.kill('SIGKILL')
  await ended
  assert.equal(mountsOf(directory).length, 1)
  await sweep()
  assert.equal(existsSync(directory), false)
  assert.ok(!read('/proc/self/mountinfo').includes(directory))
  assert.ok(!(await must(['losetup', '-a'])).includes(directory))
})
