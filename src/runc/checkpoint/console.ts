import { closeSync } from 'node:fs'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../../kernel/constants/sockets.ts'
import { sendDescriptor } from '../../kernel/descriptor-passing.ts'
import { KernelError } from '../../kernel/failure.ts'
import { linuxKernel } from '../../kernel/linux.ts'
import { nr } from '../../kernel/syscalls.ts'
import { socketAddress } from '../detached-side.ts'

/** Hands a terminal's master over (--console-socket). */
export function sendTerminalTo(path: string, master: number): void {
  const socket = linuxKernel.syscall(nr('socket'), AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  if (socket < 0) throw new KernelError('cannot make a socket for the terminal', -socket)
  try {
    const address = socketAddress(path)
    const result = linuxKernel.syscall(nr('connect'), socket, address, address.length)
    if (result < 0) throw new KernelError(`cannot connect to console socket ${path}`, -result)
    sendDescriptor(linuxKernel, socket, master)
  } finally {
    closeSync(socket)
    closeSync(master)
  }
}
