import { AT_FDCWD, O_CLOEXEC, O_CREAT, O_RDONLY, O_WRONLY } from '../../../kernel/constants/files.ts'
import { MS_REC, MS_SLAVE } from '../../../kernel/constants/mounts.ts'
import { CLONE_NEWNET, CLONE_NEWNS, PR_SET_CHILD_SUBREAPER, SIGCHLD, SIGPIPE } from '../../../kernel/constants/processes.ts'
import { AF_UNIX, MSG_CMSG_CLOEXEC, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../../kernel/constants/sockets.ts'
import type { Cell, Program } from '../../../kernel/program.ts'
import { addressOf, ProgramBuilder } from '../../../kernel/program-builder.ts'
import { descriptorMessage } from '../../../runc/descriptor-message.ts'
import { writeText } from '../../../runc/paths.ts'
import { sysctlPath } from '../../../runc/sysctl.ts'
import { prepareMonitor, watchFile, type MonitorSide } from '../../../runc/monitor-side.ts'
import { dropChildEnds, type StdioPlan } from '../../../runc/stdio.ts'
import { commandLine, runtimeFiles, type ForeignRuntime } from './foreign-runtime.ts'

export interface CompileForeign {
  runtime: ForeignRuntime
  stdio: StdioPlan
  /** The monitor's; files of the runtime lie there too. */
  directory: string
  /** The command of the runtime: create, or exec with --detach. */
  command: readonly string[]
  /** Nothing is made before the monitor is told to start. */
  waits: boolean
  /** A file of the container's cgroup, whose last words the monitor keeps. */
  watched?: string
  /** The monitor and the runtime are in a network namespace of their own, with these settings; the file `holder` gets the monitor's pid. */
  network?: { sysctls: Record<string, string> }
}

const [ECHILD, ENOENT] = [10, 2]

/** Label of the operation that fails when the runtime did: its log says why. */
export const runtimeFailed = 'make the process with the runtime'

/**
 * The program that has a runtime make a process and becomes its monitor. The monitor-to-be is a subreaper meanwhile, so that the
 * process becomes its child when the runtime has gone (prctl(2), PR_SET_CHILD_SUBREAPER). The runtime's own descriptors
 * 0, 1 and 2 are the process's; a terminal comes over the console socket.
 */
export function compileForeign({ runtime, stdio, directory, command, waits, watched, network }: CompileForeign): Program {
  const builder = new ProgramBuilder()
  const side = prepareMonitor(builder, directory, stdio)
  const consoleSocket = builder.cell('console socket')
  if (stdio.terminal) listenForConsole(builder, consoleSocket)
  if (network !== undefined) makeNetwork(builder, network.sysctls)
  if (waits) builder.monitor(side.block)
  const [child, made, pid, status] = [builder.label(), builder.label(), builder.cell('runtime'), builder.cell('status of the runtime')]
  builder.call('adopt orphans', 'prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0])
  builder.call('clone the runtime', 'clone', [SIGCHLD, null, null, null, null], { save: pid, onZero: child })
  builder.call('wait for the runtime', 'wait4', [pid, addressOf(status), 0, null])
  builder.test('see whether it succeeded', status, made)
  builder.fail(runtimeFailed, ECHILD)

  builder.place(made)
  if (stdio.terminal) receiveConsole(builder, side, consoleSocket)
  openProcess(builder, side)
  if (watched !== undefined) watchFile(builder, side, watched)
  // From here on orphans are the container's own business.
  builder.call('adopt no more orphans', 'prctl', [PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0])
  if (side.pipes !== undefined) dropChildEnds(builder, side.pipes)
  builder.monitor(side.block)

  builder.place(child)
  becomeRuntime(builder, side, runtime, commandLine(runtime, '', command))
  return builder.build()
}

/** A relative name: a socket's address has room for 107 bytes. */
function listenForConsole(builder: ProgramBuilder, socket: Cell): void {
  const address = Buffer.alloc(4)
  address.writeUInt16LE(AF_UNIX, 0)
  address.write(runtimeFiles.console, 2)
  builder.call('remove an old console socket', 'unlinkat', [AT_FDCWD, builder.string(runtimeFiles.console), 0], { ignore: [ENOENT] })
  builder.call('make the console socket', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0], { save: socket })
  builder.call('name it', 'bind', [socket, builder.bytes(address), address.length])
  builder.call('listen for the console', 'listen', [socket, 1])
}

/** /proc/sys/net is that of whoever looks. */
function makeNetwork(builder: ProgramBuilder, sysctls: Record<string, string>): void {
  const [own, file, text] = [builder.cell('own pid'), builder.cell('file'), builder.space(16)]
  builder.call('make a network namespace', 'unshare', [CLONE_NEWNET])
  for (const [key, value] of Object.entries(sysctls)) {
    builder.call(`open sysctl ${key}`, 'openat', [AT_FDCWD, builder.string(`/proc/${sysctlPath(key)}`), O_WRONLY | O_CLOEXEC, 0], { save: file })
    writeText(builder, `set sysctl ${key} to ${value}`, file, value)
    builder.call(`close sysctl ${key}`, 'close', [file])
  }
  builder.call('look who this is', 'getpid', [], { save: own })
  builder.format('write that down', text, '%', own)
  builder.call(`make the file ${runtimeFiles.holder}`, 'openat', [AT_FDCWD, builder.string(runtimeFiles.holder), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600], { save: file })
  builder.call('tell who is in the network namespace', 'write', [file, text, 12], { min: 12 })
  builder.call('close the file', 'close', [file])
}

/** The runtime has sent it before it left. */
function receiveConsole(builder: ProgramBuilder, { block }: MonitorSide, socket: Cell): void {
  const connection = builder.cell('console connection')
  const { message, descriptor } = descriptorMessage(builder, 'received terminal')
  builder.call('accept the runtime on the console socket', 'accept4', [socket, null, null, SOCK_CLOEXEC], { save: connection })
  builder.call('receive the terminal', 'recvmsg', [connection, message, MSG_CMSG_CLOEXEC], { min: 1 })
  builder.copy('keep the terminal', descriptor, block.terminal)
}

function openProcess(builder: ProgramBuilder, { block }: MonitorSide): void {
  const [file, text] = [builder.cell('pid file'), builder.space(16)]
  builder.call('open the pid file', 'openat', [AT_FDCWD, builder.string(runtimeFiles.pid), O_RDONLY | O_CLOEXEC, 0], { save: file })
  builder.call('read the pid file', 'read', [file, text, 15], { min: 1 })
  builder.number('read the pid', text, { save: block.pid, min: 1 })
  builder.call('open the process', 'pidfd_open', [block.pid, 0], { save: block.pidfd })
}

function becomeRuntime(builder: ProgramBuilder, { pipes }: MonitorSide, { hidden, environment: further = [] }: ForeignRuntime, argv: readonly string[]): void {
  if (hidden.length > 0) {
    builder.call('make a mount namespace for the runtime', 'unshare', [CLONE_NEWNS])
    builder.call('let no mount out of it', 'mount', [null, builder.string('/'), null, MS_REC | MS_SLAVE, null])
  }
  for (const path of hidden) builder.call(`hide ${path}`, 'mount', [builder.string('none'), builder.string(path), builder.string('tmpfs'), 0, null])
  for (const [descriptor, name] of (['stdin', 'stdout', 'stderr'] as const).entries()) {
    const end = pipes?.[name]
    if (end !== undefined) builder.call(`connect ${name}`, 'dup3', [end, descriptor, 0])
  }
  builder.call('take SIGPIPE as usual', 'rt_sigaction', [SIGPIPE, builder.space(32), null, 8])
  const words = argv.map((word) => builder.string(word))
  const environment = [`PATH=${process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'}`, ...further]
  const envp = builder.pointers(environment.map((entry) => builder.string(entry)))
  builder.call(`run ${argv[0]}`, 'execve', [builder.string(argv[0] ?? ''), builder.pointers(words), envp])
}
