import { readFileSync } from 'node:fs'
import { parseCapabilitySets } from './capabilities.ts'
import { PR_SET_DUMPABLE } from './constants/processes.ts'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

/** _LINUX_CAPABILITY_VERSION_3 of linux/capability.h */
const capabilityVersion = 0x2008_0522
const PR_GET_DUMPABLE = 3

/**
 * Does something as another user and group in the eyes of file systems, with all capabilities (man 2 setfsuid). It concerns the
 * calling thread alone; `act` must not wait for anything.
 */
export function withFileIdentity<T>(kernel: Calls, { uid, gid }: { uid: number; gid: number }, act: () => T): T {
  const before = { uid: identity(kernel, 'setfsuid'), gid: identity(kernel, 'setfsgid') }
  const dumpable = kernel.syscall(nr('prctl'), PR_GET_DUMPABLE, 0, 0, 0, 0)
  try {
    become(kernel, 'setfsgid', gid)
    become(kernel, 'setfsuid', uid)
    // Who is not root by this loses the capabilities that are about files.
    raisePermitted(kernel)
    return act()
  } finally {
    become(kernel, 'setfsuid', before.uid)
    become(kernel, 'setfsgid', before.gid)
    // Each change of it makes the process one that cannot be traced.
    kernel.syscall(nr('prctl'), PR_SET_DUMPABLE, dumpable, 0, 0, 0)
  }
}

/** An id that cannot be set: the answer is the present one. */
function identity(kernel: Calls, name: 'setfsuid' | 'setfsgid'): number {
  return kernel.syscall(nr(name), -1)
}

function become(kernel: Calls, name: 'setfsuid' | 'setfsgid', id: number): void {
  kernel.syscall(nr(name), id)
  if (identity(kernel, name) !== id) throw new KernelError(`cannot use the file system as ${id}`, 1)
}

function raisePermitted(kernel: Calls): void {
  const { permitted, inheritable } = parseCapabilitySets(readFileSync('/proc/thread-self/status', 'latin1'))
  const header = Buffer.alloc(8)
  header.writeUInt32LE(capabilityVersion, 0)
  const data = Buffer.alloc(24)
  for (const [index, set] of [permitted, permitted, inheritable].entries()) {
    data.writeUInt32LE(Number(set & 0xffff_ffffn), index * 4)
    data.writeUInt32LE(Number(set >> 32n), 12 + index * 4)
  }
  const result = kernel.syscall(nr('capset'), header, data)
  if (result < 0) throw new KernelError('cannot keep the capabilities of the engine', -result)
}
