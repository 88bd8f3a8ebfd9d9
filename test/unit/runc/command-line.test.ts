import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, copyFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { after, describe, test } from 'node:test'
import { bytesOf } from '../../../src/runc/commands/size.ts'
import { parseArguments } from '../../../src/runc/arguments.ts'
import { sampleSpec } from './sample-spec.ts'

const main = fileURLToPath(new URL('../../../src/runc/main.ts', import.meta.url))

describe('gantry-runc', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-runc-cli-'))
  const bundle = join(directory, 'bundle')
  const root = join(directory, 'root')
  mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
  copyFileSync('/bin/busybox', join(bundle, 'rootfs/bin/busybox'))
  for (const applet of ['sh', 'cat', 'sleep', 'id', 'true']) symlinkSync('busybox', join(bundle, 'rootfs/bin', applet))
  after(() => rmSync(directory, { recursive: true }))

  const write = (args: string[]): void => writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...sampleSpec('rootfs', { args }), linux: { ...sampleSpec('').linux, cgroupsPath: `/gantry-runc-cli-${process.pid}` } }))
  const runc = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [main, '--root', root, ...args], (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }))
    })

  test('runs a bundle with the stdio and exit code of its command, and leaves nothing', async () => {
    write(['sh', '-c', 'cat; echo err >&2; exit 7'])
    const child = spawn(process.execPath, [main, '--root', root, 'run', '-b', bundle, 'one'])
    child.stdin.end('through\n')
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    assert.deepEqual([code, stdout, stderr], [7, 'through\n', 'err\n'])
    assert.deepEqual(readdirSync(root), [])
  })

  test('creates, starts, lists, enters, kills and deletes', async () => {
    write(['sleep', '100'])
    const pidFile = join(directory, 'pid')
    // The container has this stdio from now on: with pipes, their end would be that of the container.
    const creator = spawn(process.execPath, [main, '--root', root, 'create', '--bundle', bundle, '--pid-file', pidFile, 'two'], { stdio: 'ignore' })
    assert.deepEqual(await once(creator, 'exit'), [0, null])
    const state = async (): Promise<{ status: string; pid: number }> => JSON.parse((await runc('state', 'two')).stdout) as { status: string; pid: number }
    const pid = Number(readFileSync(pidFile, 'utf8'))
    const created = await state()
    assert.deepEqual([created.status, created.pid], ['created', pid])
    assert.match((await runc('create', '-b', bundle, 'two')).stderr, /container with given ID already exists/)
    assert.equal((await runc('start', 'two')).code, 0)
    assert.equal((await state()).status, 'running')
    assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\x00100\0')
    assert.equal((await runc('list', '-q')).stdout, 'two\n')
    assert.deepEqual(await runc('exec', '-u', '5:6', '-e', 'A=b', 'two', 'sh', '-c', 'id -u; id -G; echo $A; exit 3'), { code: 3, stdout: '5\n6\nb\n', stderr: '' })
    assert.match((await runc('delete', 'two')).stderr, /cannot delete container two that is not stopped: running/)
    assert.equal((await runc('kill', 'two', 'KILL')).code, 0)
    for (let wait = 0; wait < 100 && (await state()).status !== 'stopped'; wait++) await sleep(10)
    assert.equal((await state()).status, 'stopped')
    assert.equal((await runc('delete', 'two')).code, 0)
    assert.match((await runc('state', 'two')).stderr, /container does not exist/)
    assert.deepEqual(readdirSync(root), [])
  })

  test('deletes by force what a create that was killed has left, and keeps limits of 64 bits', async () => {
    mkdirSync(join(root, 'half'))
    write(['sh', '-c', 'ulimit -f'])
    copyFileSync(join(bundle, 'config.json'), join(root, 'half/config.json'))
    assert.match((await runc('run', '-b', bundle, 'half')).stderr, /container with given ID already exists/)
    assert.equal((await runc('delete', '-f', 'half')).code, 0)
    assert.deepEqual(readdirSync(root), [])
    const text = readFileSync(join(bundle, 'config.json'), 'utf8')
    const limits = '"rlimits":[{"type":"RLIMIT_FSIZE","soft":18446744073709551615,"hard":18446744073709551615}],'
    writeFileSync(join(bundle, 'config.json'), text.replace(/"rlimits":\[[^\]]*\],?/, '').replace('"process":{', `"process":{${limits}`))
    assert.deepEqual(await runc('run', '-b', bundle, 'half'), { code: 0, stdout: 'unlimited\n', stderr: '' })
  })

  test('says what went wrong, in JSON where containerd looks', async () => {
    write(['not-there'])
    const log = join(directory, 'log.json')
    const { code } = await runc('--log', log, '--log-format', 'json', 'run', '-b', bundle, 'three')
    assert.equal(code, 1)
    const line = JSON.parse(readFileSync(log, 'utf8')) as { level: string; msg: string }
    assert.deepEqual([line.level, line.msg], ['error', 'gantry-runc run failed: unable to start container process: exec: "not-there": executable file not found in $PATH'])
    assert.deepEqual(readdirSync(root), [])
    assert.match((await runc('create', '-b', bundle, '--console-socket', '/x', 'three')).stderr, /cannot use console socket if gantry-runc will not detach or allocate tty/)
    assert.match((await runc('restore', 'x')).stderr, /JSON specification file config.json not found/)
    assert.match((await runc('fly', 'x')).stderr, /no such command: fly/)
    assert.match((await runc('state', '../x')).stderr, /invalid container ID format/)
    assert.match((await runc('create', '-b', join(directory, 'nowhere'), 'three')).stderr, /JSON specification file .* not found/)
    assert.deepEqual(readdirSync(root), [])
  })

  test('shows the program of a bundle as text and as JSON, without executing it', async () => {
    write(['true'])
    const { stdout } = await runc('spec', '--program', '-b', bundle)
    assert.match(stdout, /clone3\(.*CLONE_NEWPID.*# clone the first process/)
    const operations = JSON.parse((await runc('spec', '--program', '--format', 'json', '-b', bundle)).stdout) as { call?: string; text: string }[]
    assert.equal(operations.length, stdout.trim().split('\n').length)
    assert.ok(operations.some(({ call }) => call === 'pivot_root'))
    assert.deepEqual(readdirSync(root), [])
  })

  test('writes a specification to start from, that it can run', async () => {
    const fresh = join(directory, 'fresh')
    mkdirSync(fresh)
    symlinkSync(join(bundle, 'rootfs'), join(fresh, 'rootfs'))
    assert.equal((await runc('spec', '-b', fresh)).code, 0)
    const file = join(fresh, 'config.json')
    const spec = JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof sampleSpec>
    writeFileSync(file, JSON.stringify({ ...spec, process: { ...spec.process, args: ['true'] }, linux: { ...spec.linux, cgroupsPath: `/gantry-runc-cli-${process.pid}` } }))
    assert.deepEqual(await runc('run', '-b', fresh, 'four'), { code: 0, stdout: '', stderr: '' })
    assert.match((await runc('spec', '-b', fresh)).stderr, /File config.json exists/)
  })
})

describe('the flags of gantry-runc', () => {
  test('stop at the first argument that is none', () => {
    const table = { bundle: { letter: 'b', value: true }, force: { letter: 'f' }, env: { value: true, list: true } }
    const { flags, rest } = parseArguments(['-b', 'x', '--force', '--env=A=1', '--env', 'B', 'id', '--force', '-z'], table)
    assert.deepEqual([...flags], [['bundle', ['x']], ['force', ['true']], ['env', ['A=1', 'B']]])
    assert.deepEqual(rest, ['id', '--force', '-z'])
    assert.throws(() => parseArguments(['--nope'], table), { message: 'flag provided but not defined: -nope' })
    assert.throws(() => parseArguments(['-b'], table), { message: 'flag needs an argument: -b' })
  })
})

describe('sizes', () => {
  test('have binary units', () => {
    assert.deepEqual(['512', '1k', '64m', '1.5GiB', '2Tb', '-1'].map((text) => bytesOf(text, 'memory')), [512, 1024, 64 << 20, 1.5 * 2 ** 30, 2 * 2 ** 40, -1])
    for (const text of ['', 'm', '1x', '-2', '1 2']) assert.throws(() => bytesOf(text, 'memory'), { message: `invalid value for memory: invalid size: '${text}'` })
  })
})
