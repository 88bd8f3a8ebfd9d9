import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/constants/sockets.ts'
import { KernelError } from '../kernel/failure.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { decodeProgram } from '../kernel/program-codec.ts'
import { waitUntilExecuted } from '../kernel/program-run.ts'
import { nr } from '../kernel/syscalls.ts'
import { GantryError } from '../lib/errors.ts'
import { socketAddress } from './detached-side.ts'

const ENOENT = 2
const ECONNREFUSED = 111

/**
 * Lets the process of a created container go on, and waits until it has executed its command.
 * @throws ProgramFailure when it could not, GantryError Conflict when it was started before
 */
export function releaseProcess(directory: string): void {
  const socket = connectTo(directory)
  try {
    // From here on it is no longer "created", whatever becomes of this process.
    rmSync(join(directory, 's'), { force: true })
    waitUntilExecuted(socket, () => decodeProgram(readFileSync(join(directory, 'program'))))
  } finally {
    closeSync(socket)
  }
}

/** Through a descriptor of the directory, since a socket's address has room for 107 bytes only. */
function connectTo(directory: string): number {
  const socket = linuxKernel.syscall(nr('socket'), AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  if (socket < 0) throw new KernelError('cannot make a socket', -socket)
  const place = openSync(directory, 'r')
  const address = socketAddress(`/proc/self/fd/${place}/s`)
  const result = linuxKernel.syscall(nr('connect'), socket, address, address.length)
  closeSync(place)
  if (result >= 0) return socket
  closeSync(socket)
  if (result === -ENOENT) throw new GantryError('Conflict', 'cannot start an already running container')
  if (result === -ECONNREFUSED) throw new GantryError('Conflict', 'cannot start a container that has stopped')
  throw new KernelError('cannot start the container', -result)
}
