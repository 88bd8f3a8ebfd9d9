import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

const LOCK_EX = 2
const LOCK_NB = 4

/** Takes flock(2)'s exclusive lock, until the descriptor is closed. @returns false when somebody else has it */
export function lockFile(kernel: Pick<Kernel, 'syscall'>, fd: number): boolean {
  return kernel.syscall(nr('flock'), fd, LOCK_EX | LOCK_NB) === 0
}
