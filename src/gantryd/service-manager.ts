import { closeSync } from 'node:fs'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../kernel/constants/sockets.ts'
import { linuxKernel } from '../kernel/linux.ts'
import { nr } from '../kernel/syscalls.ts'

const MSG_NOSIGNAL = 0x4000

/** Tells the service manager how it is going, if there is one that wants to know. Never fails: a service without it works. */
export type TellManager = (state: 'READY=1' | 'STOPPING=1') => void

/**
 * Messages to systemd (sd_notify(3)), for a unit of Type=notify. The variable is taken out of the environment: a runtime would
 * hand it on to containers.
 */
export function serviceManager(environment: NodeJS.ProcessEnv = process.env): TellManager {
  const place = environment['NOTIFY_SOCKET']
  delete environment['NOTIFY_SOCKET']
  if (place === undefined || !/^[/@]./.test(place)) return () => {}
  const address = socketAddress(place)
  return (state) => {
    const socket = linuxKernel.syscall(nr('socket'), AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    if (socket < 0) return
    const message = Buffer.from(`${state}\n`)
    linuxKernel.syscall(nr('sendto'), socket, message, message.length, MSG_NOSIGNAL, address, address.length)
    closeSync(socket)
  }
}

/** struct sockaddr_un; "@name" is in the abstract space, where the name begins with a zero and has no end but the length (unix(7)). */
function socketAddress(place: string): Buffer {
  const isAbstract = place.startsWith('@')
  const path = Buffer.from(isAbstract ? `\0${place.slice(1)}` : `${place}\0`)
  const address = Buffer.alloc(2 + path.length)
  address.writeUInt16LE(AF_UNIX, 0)
  path.copy(address, 2)
  return address
}
