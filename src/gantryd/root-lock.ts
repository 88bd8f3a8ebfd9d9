import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../lib/errors.ts'
import { KernelError } from '../kernel/failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { nr } from '../kernel/syscalls.ts'

/** flock(2): exclusive, do not wait. */
const LOCK_EX = 2
const LOCK_NB = 4
const EWOULDBLOCK = 11

/**
 * Makes the data root ours until this process ends; the kernel lets go of the lock then, however it ends.
 * @throws Conflict when another engine has it
 */
export function lockRoot(kernel: Pick<Kernel, 'syscall'>, root: string): { release(): void } {
  mkdirSync(root, { recursive: true, mode: 0o710 })
  const fd = openSync(join(root, 'lock'), 'w', 0o600)
  const result = kernel.syscall(nr('flock'), fd, LOCK_EX | LOCK_NB)
  if (result < 0) {
    closeSync(fd)
    if (-result === EWOULDBLOCK) throw new GantryError('Conflict', `cannot use data root ${root}: another engine is using it`)
    throw new KernelError(`cannot lock data root ${root}`, -result)
  }
  return { release: () => closeSync(fd) }
}
