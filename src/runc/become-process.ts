import { CLOSE_RANGE_CLOEXEC } from '../kernel/constants/files.ts'
import { KEYCTL_JOIN_SESSION_KEYRING, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS } from '../kernel/constants/processes.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { capabilityMask } from '../kernel/capabilities.ts'
import { capabilityMasks, dropBounding, raiseAmbient, setCapabilities, type CapabilityMasks } from './capabilities.ts'
import { checkCommand } from './command-check.ts'
import { keepStdio, sayReady, type DetachedSide } from './detached-side.ts'
import { execute } from './exec-path.ts'
import { leadSession, type MonitorSide } from './monitor-side.ts'
import { writeText } from './paths.ts'
import { loadSeccomp } from './seccomp.ts'
import { callCourier, courierDescriptors, type SeccompListener } from './seccomp-listener.ts'
import type { OciProcess, OciSeccomp } from './spec.ts'
import { connectStdio } from './stdio.ts'
import { connectTerminal, sendTerminal, takeTerminal, type Terminal } from './terminal.ts'
import { copiesFromOutside, type UserNamespace } from './user-namespace.ts'

export interface BecomeProcess {
  process: OciProcess
  seccomp: OciSeccomp | undefined
  /** Capabilities that the engine can hand on. */
  available: bigint
  users: UserNamespace
  /** What is on the other side of the clone: a monitor, or nobody for long. */
  outer: MonitorSide | DetachedSide
  terminal: Terminal | undefined
  /** Confines what is executed next. */
  confine: () => void
  listener?: SeccompListener | undefined
  /** What runs after the start, with the rights of the process. */
  beforeExecute?: () => void
  /** Working directory, opened; the process enters it here. */
  cwd: Cell
  /** The process is born when it has given up its rights, by who has done so until then. */
  birth?: LateBirth
}

export interface LateBirth {
  /** Clones it; what follows is done by it. */
  bear: () => void
  /** Filter system calls before the birth, not before execve: then no capability has to be borrowed for it. */
  filterFirst: boolean
}

const sysAdmin = capabilityMask(['CAP_SYS_ADMIN'])
/** See src/kernel/program.ts. */
const statusChannel = 4
const ignoredKeyringErrors = [1, 13, 38, 122]

/**
 * The last part of every program: inside all namespaces, the child gives up what the process may not have, says ready,
 * waits for start, and executes. Nothing but the seccomp filter and what it needs comes after start.
 */
export function becomeProcess(builder: ProgramBuilder, become: BecomeProcess): void {
  const { process, available, outer, terminal, cwd, birth } = become
  const detached = 'plan' in outer ? outer : undefined
  const masks = capabilityMasks(process.capabilities, available)
  if (detached?.plan.keepsKeyring !== true) builder.call('start a session keyring', 'keyctl', [KEYCTL_JOIN_SESSION_KEYRING, null], { ignore: ignoredKeyringErrors })
  if (process.noNewPrivileges === true) builder.call('forbid new privileges', 'prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])
  if (terminal !== undefined && birth === undefined) takeTerminal(builder, terminal.slave)
  if (terminal !== undefined) connectTerminal(builder, terminal, process.user.uid)
  else if (detached !== undefined) keepStdio(builder, detached, process.user.uid)
  // Where the outer process has given them away, the child has no right to.
  else connectStdio(builder, outer.pipes!, copiesFromOutside(become.users) ? 0 : process.user.uid)
  builder.call('let no other descriptor through', 'close_range', [3 + (detached?.plan.preserved ?? 0), 0xffff_ffff, CLOSE_RANGE_CLOEXEC])
  builder.call(`enter working directory ${process.cwd}`, 'fchdir', [cwd])
  dropBounding(builder, masks.bounding)
  become.confine()
  const finish = changeUser(builder, become, masks)
  builder.call('set the file mode mask', 'umask', [process.user.umask ?? 0o022])
  if (detached !== undefined) checkCommand(builder, process)
  if (birth?.filterFirst === true) finish()
  if (birth !== undefined) beBorn(builder, birth, terminal)
  if (detached !== undefined) {
    sayReady(builder, detached, terminal)
  } else {
    if (terminal !== undefined) sendTerminal(builder, outer.sync, terminal)
    else writeText(builder, 'say ready', outer.sync, '+')
    builder.call('wait for start', 'read', [outer.sync, builder.space(1, 1), 1], { min: 1 })
  }
  closeEverything(builder, detached, become.listener)
  become.beforeExecute?.()
  if (become.listener !== undefined) callCourier(builder, become.listener)
  if (birth?.filterFirst !== true) finish()
  execute(builder, process)
}

function beBorn(builder: ProgramBuilder, { bear }: LateBirth, terminal: Terminal | undefined): void {
  bear()
  leadSession(builder)
  if (terminal !== undefined) takeTerminal(builder, 0)
}

/**
 * Close-on-exec is too late: execve walks the path of the program, of its interpreter too, while descriptors are still
 * open, and "/proc/self/fd/7/../../bin/sh" would be a program of the host (CVE-2024-21626). The status channel stays.
 */
function closeEverything(builder: ProgramBuilder, detached: DetachedSide | undefined, listener: SeccompListener | undefined): void {
  const status = detached?.status ?? statusChannel
  builder.call('close the descriptors below the status channel', 'close_range', [3 + (detached?.plan.preserved ?? 0), status - 1, 0])
  const spared = listener === undefined ? undefined : courierDescriptors(listener)
  builder.call('close the descriptors above it', 'close_range', [status + 1, spared === undefined ? 0xffff_ffff : spared[0] - 1, 0])
  if (spared !== undefined) builder.call('close the descriptors above those of the courier', 'close_range', [spared[1] + 1, 0xffff_ffff, 0])
}

/**
 * User, groups and capabilities. A seccomp filter without no_new_privs needs CAP_SYS_ADMIN, which then is given up only
 * after it. @returns what comes last
 */
function changeUser(builder: ProgramBuilder, { process, seccomp, users }: BecomeProcess, masks: CapabilityMasks): () => void {
  const { uid, gid, additionalGids = [] } = process.user
  const borrowed = seccomp !== undefined && process.noNewPrivileges !== true ? sysAdmin & ~masks.effective : 0n
  const first = { ...masks, effective: masks.effective | borrowed, permitted: masks.permitted | borrowed }
  const keeps = uid !== 0 && first.permitted !== 0n
  if (keeps) builder.call('keep capabilities across the change of user', 'prctl', [PR_SET_KEEPCAPS, 1, 0, 0, 0])
  const groups = builder.bytes(Buffer.from(Uint32Array.from(additionalGids).buffer), 4)
  if (users.setsGroups) builder.call(`set groups ${additionalGids.join(',') || 'none'}`, 'setgroups', [additionalGids.length, groups])
  builder.call(`become group ${gid}`, 'setresgid', [gid, gid, gid])
  builder.call(`become user ${uid}`, 'setresuid', [uid, uid, uid])
  setCapabilities(builder, borrowed === 0n ? 'set capabilities' : 'set capabilities, and CAP_SYS_ADMIN for seccomp', first)
  raiseAmbient(builder, masks.ambient)
  builder.call('hide from tracers until execve', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  return () => {
    if (seccomp !== undefined) loadSeccomp(builder, seccomp)
    if (borrowed !== 0n) setCapabilities(builder, 'set capabilities', masks)
  }
}
