import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'
import { parentOf, read } from './harness/processes.ts'
import { type Stage, engineUnderTest, throughEachClient, tiny } from './harness/stories.ts'

const skip = engineUnderTest === 'dockerd' && 'its log is not written where the test would have it'
const noisy = 'echo first; until [ -e /tmp/go ]; do sleep 0.05; done; seq 1 200000; touch /tmp/done; sleep 999'

/** A file system of its own that can be made to hang: writers wait until it is let go. */
function hangingDisk(): { place: string; hang: () => void; letGo: () => void } & AsyncDisposable {
  const directory = makePrivateDirectory()
  const [image, place] = [path.join(directory, 'image'), path.join(directory, 'disk')]
  mkdirSync(place)
  const freeze = (flag: string): void => void execFileSync('fsfreeze', [flag, place])
  execFileSync('truncate', ['-s', '64M', image])
  execFileSync('mkfs.ext4', ['-q', image])
  execFileSync('mount', ['-o', 'loop', image, place])
  let hangs = false
  const letGo = (): void => {
    if (hangs) freeze('-u')
    hangs = false
  }
  return {
    place,
    hang: () => {
      freeze('-f')
      hangs = true
    },
    letGo,
    async [Symbol.asyncDispose]() {
      letGo()
      await eventually(() => execFileSync('umount', [place], { stdio: 'ignore' }))
      await removePrivateDirectory(directory)
    },
  }
}

/** Starts a container that is `noisy`, with its log on that disk. */
async function startNoisy(stage: Stage, disk: string, { driver, options = [], script = noisy }: { driver: string; options?: string[]; script?: string }) {
  const id = await stage.ok('create', '--log-driver', driver, ...options.flatMap((option) => ['--log-opt', option]), tiny, 'sh', '-c', script)
  const directory = path.join(stage.engine.dataRoot, 'containers', id)
  const log = path.join(disk, `${id}-log`)
  if (driver === 'local') mkdirSync(log)
  symlinkSync(log, path.join(directory, driver === 'local' ? 'local-logs' : `${id}-json.log`))
  await stage.ok('start', id)
  await eventually(async () => assert.equal(await stage.ok('logs', id), 'first'))
  const pid = Number(await stage.ok('inspect', '-f', '{{.State.Pid}}', id))
  const inside = (name: string): string => `/proc/${pid}/root/tmp/${name}`
  const touch = (name: string) => (): void => writeFileSync(inside(name), '')
  return { id, go: touch('go'), again: touch('again'), done: () => existsSync(inside('done')), monitor: /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? '' }
}

throughEachClient('logs on a disk that hangs', (stage) => {
  for (const driver of ['json-file', 'local']) {
    void test(`${driver} in mode non-blocking lets the container go on, and the oldest lines go`, { skip }, async () => {
      await using disk = hangingDisk()
      const waits = await startNoisy(stage, disk.place, { driver })
      const goesOn = await startNoisy(stage, disk.place, { driver, options: ['mode=non-blocking', 'max-buffer-size=300k'] })
      disk.hang()
      for (const container of [waits, goesOn]) container.go()
      await eventually(() => assert.ok(goesOn.done()))
      await eventually(() => assert.match(read(`/proc/${waits.monitor}/status`), /^State:\tD/m))
      assert.equal(waits.done(), false)
      // The engine and who is attached have nothing to do with that disk.
      assert.equal(await stage.ok('exec', goesOn.id, 'echo', 'inside'), 'inside')
      const resident = Number(/^Rss:\s+(\d+)/m.exec(read(`/proc/${goesOn.monitor}/smaps_rollup`))?.[1])
      assert.ok(resident < 1500, `${resident} kB`)
      disk.letGo()
      await eventually(() => assert.ok(waits.done()))
      const lines = (id: string) => stage.ok('logs', id).then((text) => text.split('\n'))
      await eventually(async () => assert.equal((await lines(waits.id)).length, 200_001))
      await eventually(async () => assert.equal((await lines(goesOn.id)).at(-1), '200000'))
      const kept = (await lines(goesOn.id)).slice(1).map(Number)
      assert.ok(kept.every((line, index) => index === 0 || line > (kept[index - 1] ?? 0)))
      assert.ok(kept.length > 2000 && kept.length < 20_000, `${kept.length} lines`)
      // A gap of those that were dropped, then one line after the other to the last.
      assert.deepEqual(kept.slice(-2000), Array.from({ length: 2000 }, (_, index) => 198_001 + index))
      await stage.ok('rm', '-f', waits.id, goesOn.id)
    })
  }

  void test('the end of a container is told although its lines still wait, and they are written later', { skip }, async () => {
    await using disk = hangingDisk()
    const { id, go, done } = await startNoisy(stage, disk.place, { driver: 'json-file', options: ['mode=non-blocking'] })
    disk.hang()
    go()
    await eventually(() => assert.ok(done()))
    await stage.ok('stop', '-t', '0', id)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', id), 'exited 137')
    disk.letGo()
    await eventually(async () => assert.equal((await stage.ok('logs', '-n', '1', id)), '200000'))
    await stage.ok('rm', id)
  })

  void test('a writer that is killed is followed by another', { skip }, async () => {
    await using container = await stage.container('--log-opt', 'mode=non-blocking', tiny, 'sh', '-c', 'echo one; until [ -e /tmp/go ]; do sleep 0.05; done; echo two; sleep 999')
    await eventually(async () => assert.equal(await stage.ok('logs', container.id), 'one'))
    const monitor = parentOf(container.pid)
    const writers = read(`/proc/${monitor}/task/${monitor}/children`).trim().split(' ').map(Number).filter((pid) => pid !== container.pid)
    assert.equal(writers.length, 1)
    for (const pid of writers) process.kill(pid, 'SIGKILL')
    writeFileSync(`/proc/${container.pid}/root/tmp/go`, '')
    await eventually(async () => assert.equal(await stage.ok('logs', container.id), 'one\ntwo'))
  })

  void test('a full disk loses lines, but leaves none half written', { skip }, async () => {
    const script = 'echo first; until [ -e /tmp/go ]; do sleep 0.05; done; seq 1 20000; touch /tmp/done; until [ -e /tmp/again ]; do sleep 0.05; done; seq 90001 90100; sleep 999'
    for (const [driver, ...options] of [['json-file'], ['local'], ['json-file', 'mode=non-blocking']] as [string, ...string[]][]) {
      await using disk = hangingDisk()
      const { id, go, done, again } = await startNoisy(stage, disk.place, { driver, options, script })
      const filling = path.join(disk.place, 'filling')
      // Ends when there is no more room.
      assert.equal(spawnSync('dd', ['if=/dev/zero', `of=${filling}`, 'bs=64k']).status, 1)
      go()
      await eventually(() => assert.ok(done()))
      rmSync(filling)
      again()
      const lines = async (): Promise<string[]> => (await stage.ok('logs', id)).split('\n')
      await eventually(async () => assert.equal((await lines()).at(-1), '90100'))
      const numbers = (await lines()).slice(1).map(Number)
      assert.ok(numbers.length < 20_000 && numbers.every((line, index) => line > (numbers[index - 1] ?? 0)), `${driver}: ${numbers.length} lines`)
      assert.deepEqual(numbers.slice(-100), Array.from({ length: 100 }, (_, index) => 90_001 + index))
      if (driver === 'json-file') for (const line of readFileSync(path.join(disk.place, `${id}-log`), 'utf8').trimEnd().split('\n')) JSON.parse(line)
      await stage.ok('rm', '-f', id)
    }
  })

  void test('without such a disk no line is lost in mode non-blocking, across rotation too', { skip }, async () => {
    for (const driver of ['json-file', 'local']) {
      const id = await stage.ok('run', '-d', '--log-driver', driver, '--log-opt', 'mode=non-blocking', '--log-opt', 'max-buffer-size=32m', '--log-opt', 'max-size=1m', '--log-opt', 'max-file=50', tiny, 'sh', '-c', 'seq 1 100000')
      assert.equal(await stage.ok('wait', id), '0')
      const lines = (await stage.ok('logs', id)).split('\n')
      assert.equal(lines.length, 100_000)
      assert.ok(lines.every((line, index) => line === String(index + 1)))
      await stage.ok('rm', id)
    }
  })
}, { images: [tiny] })
