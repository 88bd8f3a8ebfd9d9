import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { O_CLOEXEC } from '../../../../src/kernel/constants/files.ts'
import { CLONE_PIDFD, SIGCHLD } from '../../../../src/kernel/constants/processes.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../../../../src/kernel/constants/sockets.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { ProgramBuilder, addressOf, offsetBy } from '../../../../src/kernel/program-builder.ts'
import { encodeProgram } from '../../../../src/kernel/program-codec.ts'
import { openLog } from '../../../../src/runc/stdio.ts'
import type { LogRules } from '../../../../src/shim/log-rules.ts'
import { openMonitor } from '../../../../src/shim/monitor-client.ts'
import type { Monitor } from '../../../../src/shim/monitor.ts'

export interface LoggedProcess {
  directory: string
  logPath: string
  pid: number
  monitor: Monitor
  remove(): void
}

/** A shell command without any namespace under a real monitor that writes a log. It waits for `start`. */
export async function loggedProcess(script: string, rules: Partial<LogRules>): Promise<LoggedProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'gl-'))
  const logPath = join(directory, 'log')
  const programPath = join(directory, 'program')
  const logRules: LogRules = { format: 'json', maxSize: 0, maxFiles: 1, attributes: '', hold: false, waiting: 0, ...rules }
  writeFileSync(programPath, program(['/bin/sh', '-c', script], { directory, logPath, logRules }))
  const { pid, executed } = await linuxKernel.spawnMonitor({ programPath })
  return { directory, logPath, pid, monitor: await openMonitor({ directory, pid, executed }), remove: () => rmSync(directory, { recursive: true, force: true }) }
}

function program(argv: string[], { directory, logPath, logRules }: { directory: string; logPath: string; logRules: LogRules }): Buffer {
  const builder = new ProgramBuilder()
  const block = builder.monitorBlock()
  builder.call('enter the directory', 'chdir', [builder.string(directory)])
  openLog(builder, block, { terminal: false, stdin: false, logPath, logRules })
  builder.call('open the socket', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: block.listen })
  builder.call('name the socket', 'bind', [block.listen, builder.bytes(Buffer.from([1, 0, 0x73, 0])), 4])
  builder.call('listen', 'listen', [block.listen, 8])
  const pipes = (['stdout', 'stderr'] as const).map((name) => {
    const pair = builder.cellPair(`${name} read`, `${name} write`)
    builder.call(`make a pipe for ${name}`, 'pipe2', [addressOf(pair[0]), O_CLOEXEC])
    builder.copy(`keep ${name}`, pair[0], block[name])
    return pair[1]
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
  for (const cell of [...pipes, theirs]) builder.call('close the child end', 'close', [cell])
  builder.copy('keep sync', mine, block.sync)
  builder.monitor(block)
  builder.place(inChild)
  builder.call('close the monitor end', 'close', [mine])
  for (const [i, cell] of pipes.entries()) builder.call(`set descriptor ${i + 1}`, 'dup3', [cell, i + 1, 0])
  builder.call('wait for start', 'read', [theirs, builder.space(1), 1], { min: 1 })
  const args = builder.pointers(argv.map((argument) => builder.string(argument)))
  builder.call(`execute ${argv[0]}`, 'execve', [builder.string(argv[0]!), args, builder.pointers([builder.string('PATH=/bin:/usr/bin')])])
  return encodeProgram(builder.build())
}
