import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { text } from 'node:stream/consumers'
import type { Duplex } from 'node:stream'
import { O_CLOEXEC } from '../../../src/kernel/constants/files.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../../../src/kernel/constants/sockets.ts'
import { CLONE_PIDFD, SIGCHLD } from '../../../src/kernel/constants/processes.ts'
import type { ProgramFailure } from '../../../src/kernel/failure.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { ProgramBuilder, addressOf, offsetBy } from '../../../src/kernel/program-builder.ts'
import { encodeProgram } from '../../../src/kernel/program-codec.ts'
import { watchFile } from '../../../src/runc/monitor-side.ts'
import { openMonitor, readExit, readWatched } from '../../../src/shim/monitor-client.ts'
import type { AttachOptions, Monitor } from '../../../src/shim/monitor.ts'

const directories: string[] = []
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true })
})

const everything: AttachOptions = { stdin: true, stdout: true, stderr: true, closeStdin: true }

/** A process without any namespace, with pipes, a log and a monitor. */
function program(argv: string[], directory: string, watched?: string): Buffer {
  const builder = new ProgramBuilder()
  const block = builder.monitorBlock()
  if (watched !== undefined) watchFile(builder, { block }, watched)
  builder.call('enter the directory', 'chdir', [builder.string(directory)])
  builder.call('open the log', 'openat', [-100, builder.string('log'), 0o2101 | O_CLOEXEC, 0o600], { save: block.log })
  builder.call('open the socket', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: block.listen })
  builder.call('name the socket', 'bind', [block.listen, builder.bytes(Buffer.from([1, 0, 0x73, 0])), 4])
  builder.call('listen', 'listen', [block.listen, 8])
  const pipes = (['stdin', 'stdout', 'stderr'] as const).map((name) => {
    const pair = builder.cellPair(`${name} read`, `${name} write`)
    builder.call(`make a pipe for ${name}`, 'pipe2', [addressOf(pair[0]), O_CLOEXEC])
    return pair
  })
  const [mine, theirs] = builder.cellPair('monitor end', 'child end')
  builder.call('make the sync pair', 'socketpair', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, addressOf(mine)])
  const structure = Buffer.alloc(88)
  structure.writeBigUInt64LE(BigInt(CLONE_PIDFD), 0)
  structure.writeBigUInt64LE(BigInt(SIGCHLD), 32)
  const cloneArguments = builder.bytes(structure)
  builder.pointerAt(offsetBy(cloneArguments, 8), addressOf(block.pidfd))
  const inChild = builder.label()
  builder.call('make the process', 'clone3', [cloneArguments, 88], { save: block.pid, onZero: inChild })
  for (const cell of [pipes[0]![0], pipes[1]![1], pipes[2]![1], theirs]) builder.call('close the child end', 'close', [cell])
  builder.copy('keep stdin', pipes[0]![1], block.stdin)
  builder.copy('keep stdout', pipes[1]![0], block.stdout)
  builder.copy('keep stderr', pipes[2]![0], block.stderr)
  builder.copy('keep sync', mine, block.sync)
  builder.call('wait for the child', 'read', [mine, builder.space(1), 1], { min: 1 })
  builder.monitor(block)
  builder.place(inChild)
  builder.call('close the monitor end', 'close', [mine])
  for (const [i, cell] of [pipes[0]![0], pipes[1]![1], pipes[2]![1]].entries()) builder.call(`set descriptor ${i}`, 'dup3', [cell, i, 0])
  builder.call('say ready', 'write', [theirs, builder.string('r'), 1])
  builder.call('wait for start', 'read', [theirs, builder.space(1), 1], { min: 1 })
  const args = builder.pointers(argv.map((argument) => builder.string(argument)))
  builder.call(`execute ${argv[0]}`, 'execve', [builder.string(argv[0]!), args, builder.pointers([builder.string('PATH=/bin:/usr/bin')])])
  return encodeProgram(builder.build())
}

async function run(argv: string[], watched?: string): Promise<{ monitor: Monitor; directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'gm-'))
  directories.push(directory)
  const programPath = join(directory, 'program')
  writeFileSync(programPath, program(argv, directory, watched))
  const { pid, executed } = await linuxKernel.spawnMonitor({ programPath })
  return { directory, monitor: await openMonitor({ directory, pid, executed }) }
}

/** Splits stdcopy frames. */
function demultiplex(bytes: Buffer): { stdout: string; stderr: string } {
  const streams = ['', '', '']
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4)
    streams[bytes[at]!] += bytes.toString('latin1', at + 8, at + 8 + size)
    at += 8 + size
  }
  return { stdout: streams[1]!, stderr: streams[2]! }
}

async function all(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

test('a process gets its input, and its output reaches the attached stream and the log', async () => {
  const { monitor, directory } = await run(['/bin/sh', '-c', 'read x; echo "got $x"; printf "bad <&>\\t\\134\\n" >&2; exit 7'])
  const stream = await monitor.attach(everything)
  await monitor.start()
  stream.end('hello\n')
  const output = demultiplex(await all(stream))
  assert.deepEqual(output, { stdout: 'got hello\n', stderr: 'bad <&>\t\\\n' })
  const exit = await monitor.wait()
  assert.equal(exit.code, 7)
  assert.ok(Math.abs(exit.exitedAt - Date.now()) < 60_000)
  assert.deepEqual(readExit(directory), exit)
  const rows = readFileSync(join(directory, 'log'), 'utf8').trim().split('\n').map((row) => JSON.parse(row) as { log: string; stream: string; time: string })
  assert.deepEqual(Object.fromEntries(rows.map(({ log, stream }) => [stream, log])), { stderr: 'bad <&>\t\\\n', stdout: 'got hello\n' })
  assert.ok(Math.abs(Date.parse(rows[0]!.time) - Date.now()) < 60_000)
})

test('a program that cannot be executed is reported with its label and errno', async () => {
  const { monitor } = await run(['/nonexistent'])
  await assert.rejects(monitor.start(), (error: ProgramFailure) => error.label === 'execute /nonexistent' && error.code === 'ENOENT')
  assert.equal((await monitor.wait()).code, 1)
})

test('a signal ends the process with 128 and its number', async () => {
  const { monitor } = await run(['/bin/sleep', '1000'])
  await monitor.start()
  await monitor.signal(15)
  assert.equal((await monitor.wait()).code, 143)
  await assert.rejects(monitor.signal(15), /no such process/)
})

test('output of two hundred thousand lines arrives whole at a slow reader and in the log', async () => {
  const { monitor, directory } = await run(['/bin/sh', '-c', 'seq 1 200000'])
  const stream = await monitor.attach(everything)
  await monitor.start()
  await new Promise((resolve) => setTimeout(resolve, 200))
  const { stdout } = demultiplex(await all(stream))
  const expected = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('')
  assert.equal(stdout, expected)
  await monitor.wait()
  const log = readFileSync(join(directory, 'log'), 'utf8').trim().split('\n').map((row) => (JSON.parse(row) as { log: string }).log).join('')
  assert.equal(log, expected)
})

test('an attached stream that goes away does not hold the process', async () => {
  const { monitor } = await run(['/bin/sh', '-c', 'seq 1 200000; exit 3'])
  const stream = await monitor.attach(everything)
  await monitor.start()
  stream.once('data', () => stream.destroy())
  stream.resume()
  assert.equal((await monitor.wait()).code, 3)
})

test('a large input passes through cat unharmed', async () => {
  const { monitor } = await run(['/bin/cat'])
  const stream = await monitor.attach(everything)
  await monitor.start()
  const input = Buffer.alloc(3_000_000, 'gantry\n')
  stream.end(input)
  const { stdout } = demultiplex(await all(stream))
  assert.equal(stdout.length, input.length)
  assert.equal(Buffer.compare(Buffer.from(stdout), input), 0)
  assert.equal((await monitor.wait()).code, 0)
})

test('the monitor is a child of init and outlives nothing but its process', async () => {
  const { monitor } = await run(['/bin/sleep', '1000'])
  await monitor.start()
  const parent = execFileSync('ps', ['-o', 'ppid=', '-p', String(monitor.pid)], { encoding: 'utf8' }).trim()
  assert.equal(execFileSync('ps', ['-o', 'ppid=', '-p', parent], { encoding: 'utf8' }).trim(), '1')
  await monitor.signal(9)
  assert.equal((await monitor.wait()).code, 137)
  assert.equal(await text(await run(['/bin/true']).then(async ({ monitor: second }) => {
    const stream = await second.attach(everything)
    await second.start()
    return stream
  })), '')
})

test('bytes that are no UTF-8 are shown as replacement characters in the log only', async () => {
  const { monitor, directory } = await run(['/usr/bin/printf', String.raw`a\377\303\251\342\202z\n`])
  const stream = await monitor.attach(everything)
  await monitor.start()
  assert.equal(demultiplex(await all(stream)).stdout, 'a\xff\xc3\xa9\xe2\x82z\n')
  await monitor.wait()
  const row = JSON.parse(readFileSync(join(directory, 'log'), 'utf8')) as { log: string }
  assert.equal(row.log, 'a\ufffdé\ufffd\ufffdz\n')
})

test('of a watched file the last that could be read is kept', async () => {
  const place = mkdtempSync(join(tmpdir(), 'gm-'))
  directories.push(place)
  const cases: [words: string | undefined, command: string, kept: string | undefined][] = [
    ['kills 0', 'printf "kills 1" >"$0"', 'kills 1'],
    // A file of a cgroup that is gone can be read no more.
    ['kills 2', ': >"$0"', 'kills 2'],
    [undefined, 'true', undefined],
  ]
  for (const [index, [words, command, kept]] of cases.entries()) {
    const file = join(place, String(index))
    if (words !== undefined) writeFileSync(file, words)
    const { monitor, directory } = await run(['/bin/sh', '-c', command, file], file)
    assert.equal(readWatched(directory), undefined)
    await monitor.start()
    await monitor.wait()
    assert.equal(readWatched(directory), kept)
  }
})

/** Serves before there is a process; `start` makes it, and its pid goes the way of a pid file. */
function lateProgram(argv: string[], directory: string, status: string): Buffer {
  const builder = new ProgramBuilder()
  const block = builder.monitorBlock()
  builder.call('enter the directory', 'chdir', [builder.string(directory)])
  builder.call('open the socket', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: block.listen })
  builder.call('name the socket', 'bind', [block.listen, builder.bytes(Buffer.from([1, 0, 0x73, 0])), 4])
  builder.call('listen', 'listen', [block.listen, 8])
  const [read, write] = builder.cellPair('read', 'write')
  builder.call('make a pipe', 'pipe2', [addressOf(read), O_CLOEXEC])
  builder.copy('keep stdout', read, block.stdout)
  builder.monitor(block)
  const [inChild, child, text] = [builder.label(), builder.cell('child'), builder.space(64)]
  builder.call('make the process', 'clone', [SIGCHLD, null, null, null, null], { save: child, onZero: inChild })
  builder.format('write its pid down', text, status, child)
  builder.number('read its pid', text, { save: block.pid, min: 1 })
  builder.call('open the process', 'pidfd_open', [block.pid, 0], { save: block.pidfd })
  builder.call('close the child end', 'close', [write])
  builder.monitor(block)
  builder.place(inChild)
  builder.call('set descriptor 1', 'dup3', [write, 1, 0])
  const args = builder.pointers(argv.map((argument) => builder.string(argument)))
  builder.call(`execute ${argv[0]}`, 'execve', [builder.string(argv[0]!), args, builder.pointers([])])
  return encodeProgram(builder.build())
}

async function runLate(argv: string[], pidText = '%\n'): Promise<Monitor> {
  const directory = mkdtempSync(join(tmpdir(), 'gm-'))
  directories.push(directory)
  const programPath = join(directory, 'program')
  writeFileSync(programPath, lateProgram(argv, directory, pidText))
  const { executed } = await linuxKernel.spawnMonitor({ programPath })
  return openMonitor({ directory, pid: 0, executed })
}

void test('a monitor without a process serves until it is told to start one, and those attached then miss nothing', async () => {
  const monitor = await runLate(['/bin/sh', '-c', 'echo first; exit 9'])
  const output = text(await monitor.attach({ ...everything, stdin: false }))
  await monitor.start()
  assert.equal((await monitor.wait()).code, 9)
  assert.equal((await output).slice(8), 'first\n')
})

void test('what fails after the start is told by it', async () => {
  const missing = await runLate(['/nonexistent'])
  await assert.rejects(missing.start(), { label: 'execute /nonexistent', errno: 2 })
  const unreadable = await runLate(['/bin/true'], 'no number')
  await assert.rejects(unreadable.start(), { label: 'read its pid', errno: 71 })
})

void test('any signal ends a monitor that has no process yet', async () => {
  const monitor = await runLate(['/bin/true'])
  await monitor.signal(9).catch(() => {})
  assert.equal((await monitor.wait()).code, 137)
})
