import { readFileSync, writeSync } from 'node:fs'
import { F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC } from './constants/files.ts'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nativeFile } from './native-files.ts'
import { nr } from './syscalls.ts'

const EINVAL = 22
let sealed: number | undefined

/**
 * Path to execute gantry-init by: a sealed copy in memory, which no container can overwrite through
 * /proc/<pid>/exe (CVE-2019-5736), whatever it manages to open.
 */
export function initBinaryPath(kernel: Pick<Kernel, 'syscall'>): string {
  sealed ??= seal(kernel)
  return `/proc/self/fd/${sealed}`
}

function seal(kernel: Pick<Kernel, 'syscall'>): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING
  let fd = kernel.syscall(nr('memfd_create'), 'gantry-init', flags | MFD_EXEC)
  if (fd === -EINVAL) fd = kernel.syscall(nr('memfd_create'), 'gantry-init', flags)
  if (fd < 0) throw new KernelError('cannot make a memory file for gantry-init', -fd)
  writeSync(fd, readFileSync(nativeFile('gantry-init')))
  const result = kernel.syscall(nr('fcntl'), fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
  if (result < 0) throw new KernelError('cannot seal gantry-init', -result)
  return fd
}
