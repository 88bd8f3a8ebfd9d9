import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../kernel/constants/files.ts'
import {
  CLONE_INTO_CGROUP, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
  CLONE_PARENT, CLONE_PIDFD, SIGCHLD,
} from '../kernel/constants/processes.ts'
import { addressOf, offsetBy, type Cell, type Label, type Pointer } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { writeText } from './paths.ts'
import type { OciNamespace, OciSpec } from './spec.ts'

export const namespaceFlags: Record<OciNamespace, number> = {
  pid: CLONE_NEWPID,
  network: CLONE_NEWNET,
  mount: CLONE_NEWNS,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  user: CLONE_NEWUSER,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
}

/** A namespace of somebody else's, opened. */
export interface JoinedNamespace {
  type: OciNamespace
  descriptor: Cell
}

export type Namespaces = NonNullable<NonNullable<OciSpec['linux']>['namespaces']>

/** Opens the namespaces that are given by path. Unless a user namespace goes with it, a pid namespace is entered at once: it holds for children only. */
export function openNamespaces(builder: ProgramBuilder, namespaces: Namespaces): JoinedNamespace[] {
  const joined: JoinedNamespace[] = []
  const users = namespaces.some(({ type, path }) => type === 'user' && path)
  for (const { type, path } of namespaces) {
    if (path === undefined || path === '') continue
    const descriptor = builder.cell(`${type} namespace`)
    builder.call(`open the ${type} namespace ${path}`, 'openat', [AT_FDCWD, builder.string(path), O_RDONLY | O_CLOEXEC, 0], { save: descriptor })
    if (type === 'pid' && !users) joinNamespace(builder, { type, descriptor })
    else joined.push({ type, descriptor })
  }
  // From a mount namespace that is joined, files of the host are out of reach.
  return joined.toSorted((one, other) => Number(one.type === 'mount') - Number(other.type === 'mount'))
}

export function joinNamespace(builder: ProgramBuilder, { type, descriptor }: JoinedNamespace): void {
  builder.call(`join the ${type} namespace`, 'setns', [descriptor, namespaceFlags[type]])
}

/**
 * Flags for clone3. A cgroup namespace shows what its maker was in when it was made, so that one comes later;
 * a time namespace with offsets is made before, while they can still be set.
 */
export function cloneFlags(namespaces: Namespaces, timeOffsets: boolean): number {
  let flags = 0
  for (const { type, path } of namespaces) {
    const separate = type === 'cgroup' || (type === 'time' && timeOffsets)
    if (!path && !separate) flags |= namespaceFlags[type]
  }
  return flags
}

export function makesNew(namespaces: Namespaces | undefined, type: OciNamespace): boolean {
  return (namespaces ?? []).some((namespace) => namespace.type === type && !namespace.path)
}

/** A time namespace for the children of this process, with its clocks moved (man 7 time_namespaces). */
export function makeTimeNamespace(builder: ProgramBuilder, offsets: NonNullable<OciSpec['linux']>['timeOffsets']): void {
  builder.call('make a time namespace', 'unshare', [CLONE_NEWTIME])
  const file = builder.cell('time offsets')
  builder.call('open the time offsets', 'openat', [AT_FDCWD, builder.string('/proc/self/timens_offsets'), 1 | O_CLOEXEC, 0], { save: file })
  for (const [clock, { secs, nanosecs }] of Object.entries(offsets ?? {})) {
    writeText(builder, `move the ${clock} clock by ${secs ?? 0} s`, file, `${clock} ${secs ?? 0} ${nanosecs ?? 0}\n`)
  }
}

/** The same for this process itself. */
export function enterTimeNamespace(builder: ProgramBuilder, offsets: NonNullable<OciSpec['linux']>['timeOffsets']): void {
  makeTimeNamespace(builder, offsets)
  const descriptor = builder.cell('time namespace')
  builder.call('open the time namespace', 'openat', [AT_FDCWD, builder.string('/proc/self/ns/time_for_children'), O_RDONLY | O_CLOEXEC, 0], { save: descriptor })
  joinNamespace(builder, { type: 'time', descriptor })
}

/** struct clone_args, version 2 (88 bytes; man 2 clone3): a pidfd, SIGCHLD at the end. */
export interface CloneArguments {
  pointer: Pointer
  /** v2 cgroup to be born in; to be filled when `intoCgroup`. */
  cgroup: Cell
}

const cloneArgumentsSize = 88

export function cloneArguments(builder: ProgramBuilder, pidfd: Cell, flags: number, intoCgroup: boolean): CloneArguments {
  const bytes = Buffer.alloc(cloneArgumentsSize)
  bytes.writeBigUInt64LE(BigInt(flags >>> 0) | BigInt(CLONE_PIDFD) | (intoCgroup ? CLONE_INTO_CGROUP : 0n), 0)
  // A sister ends with the signal of its maker.
  bytes.writeBigUInt64LE(BigInt(flags & CLONE_PARENT ? 0 : SIGCHLD), 32)
  const pointer = builder.bytes(bytes)
  builder.pointerAt(offsetBy(pointer, 8), addressOf(pidfd))
  return { pointer, cgroup: builder.cellAt(offsetBy(pointer, 80), 'cgroup v2') }
}

/** Splits in two: the child goes on at `child`, the monitor-to-be with the next operation. */
export function cloneChild(builder: ProgramBuilder, label: string, args: CloneArguments, pid: Cell, child: Label): void {
  builder.call(label, 'clone3', [args.pointer, cloneArgumentsSize], { save: pid, onZero: child })
}
