import type { OciSeccomp } from '../../runc/spec.ts'
import { filterFlags, verdictOf } from './actions.ts'

const architectureName = /^SCMP_ARCH_[A-Z0-9_]+$/
const largestErrno = 4095

/** What the kernel or `compileSeccomp` would refuse, with the field ("syscalls[3].action"); undefined when there is nothing. */
export function checkSeccomp(seccomp: OciSeccomp): { field: string; reason: string } | undefined {
  const { defaultAction, architectures = [], flags = [], syscalls = [] } = seccomp
  if (!isKnown(() => verdictOf(defaultAction))) return wrong('defaultAction', `${JSON.stringify(defaultAction)} is not an action`)
  // A supervisor would have to answer before it can be told of its task.
  if (defaultAction === 'SCMP_ACT_NOTIFY') return wrong('defaultAction', 'it cannot be SCMP_ACT_NOTIFY')
  if ((seccomp.defaultErrnoRet ?? 0) > largestErrno) return wrong('defaultErrnoRet', `${seccomp.defaultErrnoRet} is not an errno`)
  const architecture = architectures.findIndex((name) => !architectureName.test(name))
  if (architecture >= 0) return wrong(`architectures[${architecture}]`, `${JSON.stringify(architectures[architecture])} is not an architecture`)
  const flag = flags.findIndex((name) => !isKnown(() => filterFlags([name])))
  if (flag >= 0) return wrong(`flags[${flag}]`, `${JSON.stringify(flags[flag])} is not a flag`)
  for (const [index, { names, action, errnoRet = 0 }] of syscalls.entries()) {
    if (!isKnown(() => verdictOf(action))) return wrong(`syscalls[${index}].action`, `${JSON.stringify(action)} is not an action`)
    if (names.length === 0) return wrong(`syscalls[${index}].names`, 'it is empty')
    if (action === 'SCMP_ACT_ERRNO' && errnoRet > largestErrno) return wrong(`syscalls[${index}].errnoRet`, `${errnoRet} is not an errno`)
  }
  if (notifies(seccomp) && !seccomp.listenerPath) return wrong('listenerPath', 'SCMP_ACT_NOTIFY needs a listener')
  return undefined
}

function wrong(field: string, reason: string): { field: string; reason: string } {
  return { field, reason }
}

/** Whether a rule asks a supervisor. */
export function notifies({ syscalls = [] }: OciSeccomp): boolean {
  return syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')
}

function isKnown(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
