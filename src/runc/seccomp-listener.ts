import { O_CLOEXEC } from '../kernel/constants/files.ts'
import { CLONE_FILES, PR_SET_PDEATHSIG, SIGKILL } from '../kernel/constants/processes.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/constants/sockets.ts'
import { addressOf, type Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { notifies } from '../kernel/seccomp/check.ts'
import { textMessage } from './descriptor-message.ts'
import { socketAddress, type DetachedSide } from './detached-side.ts'
import { fork } from './host-tool.ts'
import type { MonitorSide } from './monitor-side.ts'
import { formatWithPid, jsonWithPid } from './pid-text.ts'
import { refuse } from './refuse.ts'
import type { OciSeccomp, OciState } from './spec.ts'

const EBADF = 9
const F_GETFD = 1
const POLLIN = 1
const MSG_NOSIGNAL = 0x4000
const pollInterval = 1_000_000n
/** Room for a path in struct sockaddr_un. */
const longestSocketPath = 107

/**
 * A supervisor that answers for system calls (SCMP_ACT_NOTIFY) gets the filter's listener over a unix socket. Once the filter
 * is there the process may be unable to send anything, and execve closes the listener: a courier outside that shares the table
 * of descriptors with the process finds it there, and keeps it when execve gives the process a table of its own.
 */
export interface SeccompListener {
  /** Number that the listener gets: the lowest that is free. */
  number: number
  /** The courier's descriptors: `base` and the following ones. */
  base: number
  told: { metadata: string | undefined; state: string }
}

/** Beyond what a program opens. */
const distance = 200
const count = 4
const place = { socket: 0, reading: 1, writing: 2, process: 3 } as const

/** In the outer process, before the clone; undefined when no rule asks a supervisor. */
export function connectListener(builder: ProgramBuilder, seccomp: OciSeccomp | undefined, outer: MonitorSide | DetachedSide, state: string): SeccompListener | undefined {
  if (seccomp === undefined || !notifies(seccomp)) return undefined
  const path = seccomp.listenerPath ?? ''
  const address = socketAddress(path)
  if (Buffer.byteLength(path) > longestSocketPath) refuse('linux.seccomp.listenerPath', `it is longer than ${longestSocketPath} bytes`)
  const preserved = 'plan' in outer ? outer.plan.preserved : 0
  const number = 3 + preserved
  const listener = { number, base: number + distance, told: { metadata: seccomp.listenerMetadata, state } }
  const socket = builder.cell('seccomp supervisor')
  builder.call('make a socket to the seccomp supervisor', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: socket })
  builder.call(`connect to linux.seccomp.listenerPath ${path}`, 'connect', [socket, builder.bytes(address), address.length])
  const [reading, writing] = builder.cellPair('call for the courier', 'end of the call')
  builder.call('make a pipe to the courier', 'pipe2', [addressOf(reading), O_CLOEXEC])
  for (const [name, cell] of Object.entries({ socket, reading, writing })) {
    builder.call(`keep ${name} for the courier`, 'dup3', [cell, listener.base + place[name as keyof typeof place], O_CLOEXEC])
    builder.call(`close the first ${name}`, 'close', [cell])
  }
  return listener
}

/** The container's state as JSON for `sendListener`, with a place for the pid of its first process, or that pid itself. */
export function stateTemplate({ pid, ociVersion, id, status, ...rest }: OciState): string {
  const state = { ociVersion, id, status }
  return pid === undefined ? jsonWithPid(state, rest) : JSON.stringify({ ...state, pid, ...rest }).replaceAll('%', String.raw`\u0025`)
}

/** In the process that has cloned the child with CLONE_FILES: leaves a courier behind, for init to wait for. */
export function leaveCourier(builder: ProgramBuilder, { number, base, told }: SeccompListener, { block, pidfd }: { block: MonitorSide['block']; pidfd: Cell }): void {
  const between = builder.cell('starter of the courier')
  const [starter, courier, after] = [builder.label(), builder.label(), builder.label()]
  builder.call('keep the pidfd for the courier', 'dup3', [pidfd, base + place.process, O_CLOEXEC])
  fork(builder, 'fork for the courier of the seccomp listener', { pid: between, flags: CLONE_FILES, child: starter })
  builder.call('wait for the starter of the courier', 'wait4', [between, null, 0, null])
  builder.call('have a table of descriptors of its own', 'unshare', [CLONE_FILES])
  builder.call('close those of the courier', 'close_range', [base, base + count - 1, 0])
  builder.jump('go on in the outer process', after)
  builder.place(starter)
  fork(builder, 'fork the courier', { pid: builder.cell('courier'), flags: CLONE_FILES, child: courier })
  builder.call('leave the courier to init', 'exit_group', [0])
  builder.place(courier)
  const head = jsonWithPid({ ociVersion: '1.2.0', fds: ['seccompFd'], ...(told.metadata === undefined ? {} : { metadata: told.metadata }) })
  deliver(builder, { number, base, block }, `${head.slice(0, -1)},"state":${told.state}}`)
  builder.place(after)
}

function deliver(builder: ProgramBuilder, { number, base, block }: { number: number; base: number; block: MonitorSide['block'] }, template: string): void {
  const { message, descriptor, length, setText } = textMessage(builder, 'seccomp listener')
  const [again, taken, ended] = [builder.label(), builder.label(), builder.label()]
  builder.call('wait for the call, or the end of the process', 'ppoll', [pollFor(builder, [base + place.reading, base + place.process]), 2, null, null, 0])
  builder.place(again)
  builder.call('look for the listener', 'fcntl', [number, F_GETFD], { ignore: [EBADF], onSuccess: taken })
  const pause = builder.bytes(Buffer.from(BigInt64Array.of(0n, pollInterval).buffer))
  builder.call('wait a moment, or for the end of the process', 'ppoll', [pollFor(builder, [base + place.process]), 1, pause, null, 0], { onZero: again })
  builder.jump('there is nobody to listen to', ended)
  builder.place(taken)
  setText(formatWithPid(builder, template, block.pid, length))
  builder.copy('take the listener', number, descriptor)
  builder.call('send the listener to the supervisor', 'sendmsg', [base + place.socket, message, MSG_NOSIGNAL], { min: 1 })
  builder.place(ended)
  builder.call('leave', 'exit_group', [0])
}

/** struct pollfd[] */
function pollFor(builder: ProgramBuilder, descriptors: readonly number[]): ReturnType<ProgramBuilder['bytes']> {
  return builder.bytes(Buffer.from(Int32Array.from(descriptors.flatMap((descriptor) => [descriptor, POLLIN])).buffer))
}

/** In the child, as its very first step: until then it and the outer process have one table of descriptors. */
export function waitForCourier(builder: ProgramBuilder, { sync }: Pick<MonitorSide, 'sync'>): void {
  builder.call('end with the outer process', 'prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0])
  builder.call('wait until the courier is there', 'read', [sync, builder.space(1, 1), 1], { min: 1 })
  builder.call('outlive the outer process', 'prctl', [PR_SET_PDEATHSIG, 0, 0, 0, 0])
}

/** What the child may not close: first and last. */
export function courierDescriptors({ base }: SeccompListener): [number, number] {
  return [base, base + count - 1]
}

/** In the child, as the last step before the filter. */
export function callCourier(builder: ProgramBuilder, { base }: SeccompListener): void {
  builder.call('call the courier', 'close', [base + place.writing])
}
