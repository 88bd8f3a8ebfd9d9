import { readFileSync } from 'node:fs'
import { capabilityMask, parseCapabilitySets } from '../kernel/capabilities.ts'
import type { OciProcess } from './spec.ts'

const sysPtrace = capabilityMask(['CAP_SYS_PTRACE'])

/**
 * Whether somebody in the pid namespace of a container's first process may trace a further process: the container itself, the process that
 * was there before, or the container whose namespace it shares.
 */
export function maySomebodyTrace(pid: number, { capabilities }: OciProcess): boolean {
  if ([capabilities?.bounding, capabilities?.permitted, capabilities?.effective].some((names) => names?.includes('CAP_SYS_PTRACE') === true)) return true
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return (parseCapabilitySets(status).bounding & sysPtrace) !== 0n || isGuest(status)
  } catch {
    return false // gone: joining it says so
  }
}

/** In a pid namespace that another process was the first in; that of the host has one number per process. */
function isGuest(status: string): boolean {
  const numbers = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? []
  return numbers.length > 1 && numbers.at(-1) !== '1'
}
