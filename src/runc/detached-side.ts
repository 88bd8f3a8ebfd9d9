import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_RDWR } from '../kernel/constants/files.ts'
import { PR_SET_DUMPABLE } from '../kernel/constants/processes.ts'
import { AF_UNIX, MSG_CMSG_CLOEXEC, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/constants/sockets.ts'
import { addressOf, offsetBy, type Cell, type Pointer } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { recordKinds, recordSize } from '../kernel/status-records.ts'
import { GantryError } from '../lib/errors.ts'
import { descriptorMessage } from './descriptor-message.ts'
import type { MonitorSide } from './monitor-side.ts'
import { writeText } from './paths.ts'
import type { Terminal } from './terminal.ts'

/**
 * A program without a monitor, for callers that are parents themselves (containerd's shim, conmon) or stand in the foreground:
 * the process has the caller's stdio, or a terminal whose master the caller gets.
 */
export interface DetachedPlan {
  /** Descriptors from 3 on that the process keeps (--preserve-fds). */
  preserved: number
  /** Which of the descriptors 0, 1, 2 are the host's null device: they become the container's. */
  nullDescriptors: readonly number[]
  /** Unix socket that is sent the terminal's master; without one it stays with the outer process, which must `stay`. */
  consoleSocket?: string
  /** The outer process waits for the other one and reports how it ended; else it leaves at once. */
  stays: boolean
  /** The process waits until somebody connects to the socket `s` of the directory; from then on it reports failures there. */
  waits: boolean
  /** Unix socket that is sent a pidfd of the process (--pidfd-socket). */
  pidfdSocket?: string
  /** The outer process reports `prepared` when all is mounted, before the root is entered, and waits for a byte. */
  hooks?: boolean
  /** Move the root over that of the host (--no-pivot). */
  noPivot?: boolean
  /** Leave the session keyring as it is (--no-new-keyring). */
  keepsKeyring?: boolean
}

/** What the outer process and the child share across the clone. */
export interface DetachedSide extends MonitorSide {
  plan: DetachedPlan
  /** The status channel. */
  status: number
  record: Pointer
  start: Cell | undefined
  console: Cell | undefined
  pidfdSocket: Cell | undefined
}

const CREATED_PID = 4
const CREATED_TERMINAL = 8
const CREATED_HOLDER = 12
const PR_SET_PTRACER = 0x59616d61
const PR_SET_PTRACER_ANY = -1
const EPERM = 1
const ENOENT = 2
const EBADF = 9
const EACCES = 13
const EINVAL = 22
const EROFS = 30
const P_PID = 1
const WEXITED = 4
const siginfoSize = 128
/** Room for a path in struct sockaddr_un. */
const longestSocketPath = 107

/** The number of the status channel: `gantry-init run` has the program on the descriptor before it. */
export function statusChannel({ preserved }: Pick<DetachedPlan, 'preserved'>): number {
  return 3 + preserved + 1
}

/** Before the clone. */
export function prepareDetached(builder: ProgramBuilder, directory: string, plan: DetachedPlan): DetachedSide {
  const block = builder.monitorBlock()
  builder.call('hide from tracers', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  if (plan.stays) builder.call('leave the session of the caller', 'setsid', [])
  const start = plan.waits ? listenForStart(builder, directory) : undefined
  const console = plan.consoleSocket === undefined ? undefined : connectTo(builder, 'console socket', plan.consoleSocket)
  const pidfdSocket = plan.pidfdSocket === undefined ? undefined : connectTo(builder, 'pidfd socket', plan.pidfdSocket)
  const [own, sync] = builder.cellPair('sync of the outer process', 'sync of the child')
  builder.call('make a socket to the child', 'socketpair', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, addressOf(own)])
  const record = Buffer.alloc(recordSize)
  record.writeUInt32LE(recordKinds.created, 0)
  return { block, sync, own, pipes: undefined, plan, status: statusChannel(plan), record: builder.bytes(record), start, console, pidfdSocket }
}

/** In the outer process, after the clone: waits until the child is ready, reports it, and leaves, or stays until it ends. */
export function finishDetached(builder: ProgramBuilder, side: DetachedSide, hasTerminal: boolean): void {
  const { block, own, sync, plan, status, record } = side
  builder.call('close the end of the child', 'close', [sync])
  builder.copy('note the pid', block.pid, builder.cellAt(offsetBy(record, CREATED_PID), 'reported pid'))
  if (side.pidfdSocket !== undefined) sendPidfd(builder, side, side.pidfdSocket)
  if (plan.hooks === true) askForHooks(builder, side)
  const terminal = builder.cellAt(offsetBy(record, CREATED_TERMINAL), 'reported terminal')
  if (hasTerminal && side.console === undefined) {
    const { message, descriptor } = descriptorMessage(builder, 'received terminal')
    builder.call('wait until the child is ready', 'recvmsg', [own, message, MSG_CMSG_CLOEXEC], { min: 1 })
    builder.copy('note the terminal', descriptor, terminal)
    // The caller takes the terminal from here; in a container's reach this process never is.
    builder.call('let the caller take it', 'prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
    // Yama would allow parents only.
    builder.call('even if it is no parent', 'prctl', [PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0], { ignore: [EINVAL] })
  } else {
    builder.call('wait until the child is ready', 'read', [own, builder.space(1, 1), 1], { min: 1 })
  }
  builder.call('note whose child it is', 'getpid', [], { save: builder.cellAt(offsetBy(record, CREATED_HOLDER), 'reported parent') })
  builder.call('report that it is created', 'write', [status, record, recordSize], { min: recordSize })
  if (plan.stays) {
    const siginfo = builder.space(siginfoSize)
    builder.call('wait until the process ends', 'waitid', [P_PID, block.pid, siginfo, WEXITED, null])
    builder.call('report how it ended', 'write', [status, siginfo, 2 * recordSize], { min: 2 * recordSize })
    // A short command may be over before the caller has taken the terminal, which only this process holds.
    if (hasTerminal && side.console === undefined) untilReaderLeaves(builder, status)
  }
  builder.call('leave', 'exit_group', [0])
}

function sendPidfd(builder: ProgramBuilder, { block }: DetachedSide, socket: Cell): void {
  const { message, descriptor } = descriptorMessage(builder, 'pidfd to send')
  builder.copy('take the pidfd', block.pidfd, descriptor)
  builder.call('send the pidfd', 'sendmsg', [socket, message, 0], { min: 1 })
  builder.call('close the pidfd socket', 'close', [socket])
}

/** In the outer process: whoever reads the status channel runs the hooks of the host and says so. */
function askForHooks(builder: ProgramBuilder, { block, own, status }: DetachedSide): void {
  const record = Buffer.alloc(recordSize)
  record.writeUInt32LE(recordKinds.prepared, 0)
  const prepared = builder.bytes(record)
  builder.copy('note the pid', block.pid, builder.cellAt(offsetBy(prepared, CREATED_PID), 'prepared pid'))
  builder.call('wait until all is mounted', 'read', [own, builder.space(1, 1), 1], { min: 1 })
  builder.call('ask for the hooks', 'write', [status, prepared, recordSize], { min: recordSize })
  builder.call('wait until they have run', 'read', [status, builder.space(1, 1), 1], { min: 1 })
  writeText(builder, 'let the child go on', own, 'h')
}

/** In the child, when all is mounted and the root not entered yet (OCI config.md: prestart and createRuntime hooks). */
export function waitForHooks(builder: ProgramBuilder, side: MonitorSide | DetachedSide): void {
  if (!('plan' in side) || side.plan.hooks !== true) return
  writeText(builder, 'say that all is mounted', side.sync, 'h')
  builder.call('wait until the hooks have run', 'read', [side.sync, builder.space(1, 1), 1], { min: 1 })
}

/** The writing end of a pipe shows POLLERR once nobody has its reading end. */
function untilReaderLeaves(builder: ProgramBuilder, pipe: number): void {
  const poll = Buffer.alloc(8)
  poll.writeInt32LE(pipe, 0)
  builder.call('stay until the caller has let go', 'ppoll', [builder.bytes(poll), 1, null, null, 8])
}

/** In the child: descriptors 0, 1 and 2 are the caller's; the user owns them, so that /dev/stdout can be opened again. */
export function keepStdio(builder: ProgramBuilder, { plan }: DetachedSide, uid: number): void {
  if (plan.nullDescriptors.length > 0) {
    const file = builder.cell('null device of the container')
    // A root without one keeps the host's.
    builder.call('open /dev/null', 'openat', [AT_FDCWD, builder.string('/dev/null'), O_RDWR | O_NOCTTY | O_CLOEXEC, 0], { save: file, ignore: [ENOENT, EACCES, EPERM] })
    for (const descriptor of plan.nullDescriptors) builder.call(`connect descriptor ${descriptor} to it`, 'dup3', [file, descriptor, 0], { ignore: [EBADF] })
  }
  if (uid === 0) return
  for (const descriptor of [0, 1, 2].filter((number) => !plan.nullDescriptors.includes(number))) {
    // Files that were opened read-only, or belong to a user who is not in the namespace, stay as they are.
    builder.call(`give descriptor ${descriptor} to user ${uid}`, 'fchown', [descriptor, uid, -1], { ignore: [EPERM, EROFS, EINVAL] })
  }
}

/** In the child: says ready, hands its terminal over, and waits for start. */
export function sayReady(builder: ProgramBuilder, { sync, status, start, console }: DetachedSide, terminal: Terminal | undefined): void {
  if (terminal !== undefined) builder.call('send the terminal', 'sendmsg', [console ?? sync, terminal.message.message, 0], { min: 1 })
  if (terminal === undefined || console !== undefined) writeText(builder, 'say ready', sync, '+')
  if (start === undefined) return
  const starter = builder.cell('starter')
  builder.call('wait for start', 'accept4', [start, null, null, SOCK_CLOEXEC], { save: starter })
  builder.call('report to who started', 'dup3', [starter, status, O_CLOEXEC])
}

/** Named relatively, as the path of a socket has little room. */
function listenForStart(builder: ProgramBuilder, directory: string): Cell {
  const start = builder.cell('start socket')
  builder.call(`enter ${directory}`, 'chdir', [builder.string(directory)])
  const address = socketAddress('s')
  builder.call('make the start socket', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: start })
  builder.call('name it s', 'bind', [start, builder.bytes(address), address.length])
  builder.call('listen', 'listen', [start, 1])
  return start
}

function connectTo(builder: ProgramBuilder, name: string, path: string): Cell {
  if (Buffer.byteLength(path) > longestSocketPath) throw new GantryError('InvalidParameter', `cannot use ${name} ${path}: its path is longer than ${longestSocketPath} bytes`)
  const socket = builder.cell(name)
  const address = socketAddress(path)
  builder.call(`make a socket for ${name === 'console socket' ? 'the terminal' : 'the pidfd'}`, 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: socket })
  builder.call(`connect to ${name} ${path}`, 'connect', [socket, builder.bytes(address), address.length])
  return socket
}

/** struct sockaddr_un */
export function socketAddress(path: string): Buffer {
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1)
  address.writeUInt16LE(AF_UNIX, 0)
  address.write(path, 2)
  return address
}
