import { writeSync } from 'node:fs'
import { MFD_CLOEXEC } from './constants/files.ts'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

/** A file that has no name and goes with its last descriptor. */
export function memoryFile(kernel: Pick<Kernel, 'syscall'>, name: string, bytes: Uint8Array): number {
  const file = kernel.syscall(nr('memfd_create'), name, MFD_CLOEXEC)
  if (file < 0) throw new KernelError(`cannot make a memory file for ${name}`, -file)
  writeSync(file, bytes)
  return file
}
