import { CLOSE_RANGE_CLOEXEC } from '../kernel/constants/files.ts'
import { KEYCTL_JOIN_SESSION_KEYRING, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS } from '../kernel/constants/processes.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { capabilityMask } from '../kernel/capabilities.ts'
import { capabilityMasks, dropBounding, raiseAmbient, setCapabilities, type CapabilityMasks } from './capabilities.ts'
import { execute } from './exec-path.ts'
import { writeText } from './paths.ts'
import { setRlimits } from './rlimits.ts'
import { loadSeccomp } from './seccomp.ts'
import type { OciProcess, OciSeccomp } from './spec.ts'
import { connectStdio, type StdioPipes } from './stdio.ts'
import { connectTerminal, sendTerminal, type Terminal } from './terminal.ts'

export interface BecomeProcess {
  process: OciProcess
  seccomp: OciSeccomp | undefined
  /** Capabilities that the engine can hand on. */
  available: bigint
  /** The child's end of the socket to the monitor: says ready, waits for start. */
  sync: Cell
  stdio: { terminal: Terminal } | { pipes: StdioPipes }
  /** Working directory, opened; the process enters it here. */
  cwd: Cell
}

const sysAdmin = capabilityMask(['CAP_SYS_ADMIN'])
const ignoredKeyringErrors = [1, 13, 38, 122]

/**
 * The last part of every program: inside all namespaces, the child gives up what the process may not have, says ready,
 * waits for start, and executes. Nothing but the seccomp filter and what it needs comes after start.
 */
export function becomeProcess(builder: ProgramBuilder, become: BecomeProcess): void {
  const { process, available, sync, stdio, cwd } = become
  const masks = capabilityMasks(process.capabilities, available)
  builder.call('start a session keyring', 'keyctl', [KEYCTL_JOIN_SESSION_KEYRING, null], { ignore: ignoredKeyringErrors })
  setRlimits(builder, process.rlimits ?? [])
  if (process.noNewPrivileges === true) builder.call('forbid new privileges', 'prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])
  if ('terminal' in stdio) connectTerminal(builder, stdio.terminal, process.user.uid)
  else connectStdio(builder, stdio.pipes, process.user.uid)
  builder.call('let no other descriptor through', 'close_range', [3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC])
  builder.call(`enter working directory ${process.cwd}`, 'fchdir', [cwd])
  dropBounding(builder, masks.bounding)
  const finish = changeUser(builder, become, masks)
  builder.call('set the file mode mask', 'umask', [process.user.umask ?? 0o022])
  if ('terminal' in stdio) sendTerminal(builder, sync, stdio.terminal)
  else writeText(builder, 'say ready', sync, '+')
  builder.call('wait for start', 'read', [sync, builder.space(1, 1), 1], { min: 1 })
  finish()
  execute(builder, process)
}

/**
 * User, groups and capabilities. A seccomp filter without no_new_privs needs CAP_SYS_ADMIN, which then is given up only
 * after it. @returns what comes last
 */
function changeUser(builder: ProgramBuilder, { process, seccomp }: BecomeProcess, masks: CapabilityMasks): () => void {
  const { uid, gid, additionalGids = [] } = process.user
  const borrowed = seccomp !== undefined && process.noNewPrivileges !== true ? sysAdmin & ~masks.effective : 0n
  const first = { ...masks, effective: masks.effective | borrowed, permitted: masks.permitted | borrowed }
  const keeps = uid !== 0 && first.permitted !== 0n
  if (keeps) builder.call('keep capabilities across the change of user', 'prctl', [PR_SET_KEEPCAPS, 1, 0, 0, 0])
  const groups = builder.bytes(Buffer.from(Uint32Array.from(additionalGids).buffer), 4)
  builder.call(`set groups ${additionalGids.join(',') || 'none'}`, 'setgroups', [additionalGids.length, groups])
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
