/** SECCOMP_RET_*: include/uapi/linux/seccomp.h. The lower 16 bits carry data. */
const verdicts: Record<string, number> = {
  SCMP_ACT_KILL: 0x0000_0000,
  SCMP_ACT_KILL_THREAD: 0x0000_0000,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
}

/** Actions that carry a number: an errno for the caller or a message for the tracer. */
const carrying = new Set(['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE'])

/** OCI: errnoRet defaults to EPERM. */
const EPERM = 1
const ENOSYS = 38

/** What a filter returns for an OCI action. @throws Error for an action that Linux does not have */
export function verdictOf(action: string, errnoRet?: number): number {
  const verdict = Object.hasOwn(verdicts, action) ? verdicts[action] : undefined
  if (verdict === undefined) throw new Error(`cannot compile seccomp profile: unknown action ${JSON.stringify(action)}`)
  if (!carrying.has(action)) return verdict
  return (verdict | ((errnoRet ?? EPERM) & 0xffff)) >>> 0
}

export const killThread = verdictOf('SCMP_ACT_KILL_THREAD')
export const noSuchCall = verdictOf('SCMP_ACT_ERRNO', ENOSYS)

/** A default action under which calls that the profile's author could not know go through anyway. */
export function isPermissive(action: string): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG'
}

/** SECCOMP_FILTER_FLAG_* by their names in OCI specifications. */
const flags: Record<string, number> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1 << 0,
  SECCOMP_FILTER_FLAG_LOG: 1 << 1,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 1 << 2,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 1 << 3,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 1 << 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 1 << 5,
}

/** The `flags` argument of seccomp(2). @throws Error for a flag that Linux does not have */
export function filterFlags(names: readonly string[] | undefined): number {
  let set = 0
  for (const name of names ?? []) {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (flag === undefined) throw new Error(`cannot compile seccomp profile: unknown flag ${JSON.stringify(name)}`)
    set |= flag
  }
  return set
}
