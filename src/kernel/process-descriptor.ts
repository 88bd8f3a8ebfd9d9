import { closeSync, readFileSync } from 'node:fs'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

/** A descriptor of another process as one of our own (man 2 pidfd_getfd). */
export function takeDescriptor(kernel: Pick<Kernel, 'syscall'>, pid: number, descriptor: number): number {
  const process = kernel.syscall(nr('pidfd_open'), pid, 0)
  if (process < 0) throw new KernelError(`cannot open process ${pid}`, -process)
  const taken = kernel.syscall(nr('pidfd_getfd'), process, descriptor, 0)
  closeSync(process)
  if (taken < 0) throw new KernelError(`cannot take descriptor ${descriptor} of process ${pid}${yama()}`, -taken)
  return taken
}

/** From 2 on Yama allows it to nobody but root, from 3 on to nobody (Documentation/admin-guide/LSM/Yama.rst). */
function yama(): string {
  try {
    const scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1').trim()
    return scope === '0' || scope === '1' ? '' : ` (kernel.yama.ptrace_scope is ${scope})`
  } catch {
    return '' // a kernel without Yama
  }
}
