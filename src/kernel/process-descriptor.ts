import { closeSync } from 'node:fs'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

/** A descriptor of another process as one of our own (man 2 pidfd_getfd). */
export function takeDescriptor(kernel: Pick<Kernel, 'syscall'>, pid: number, descriptor: number): number {
  const process = kernel.syscall(nr('pidfd_open'), pid, 0)
  if (process < 0) throw new KernelError(`cannot open process ${pid}`, -process)
  const taken = kernel.syscall(nr('pidfd_getfd'), process, descriptor, 0)
  closeSync(process)
  if (taken < 0) throw new KernelError(`cannot take descriptor ${descriptor} of process ${pid}`, -taken)
  return taken
}
