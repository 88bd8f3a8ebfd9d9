import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AF_UNIX, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../../kernel/constants/sockets.ts'
import { errnoText } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { nr } from '../../kernel/syscalls.ts'
import { GantryError } from '../../lib/errors.ts'

/** One message, one datagram. */
export interface Datagrams {
  send(bytes: Buffer): Promise<void>
  close(): void
}

const EAGAIN = 11
const ENOBUFS = 105
const MSG_NOSIGNAL = 0x4000

/** A unix datagram socket, which Node has none of. @throws GantryError Unavailable "dial unixgram /dev/log: connect: …" */
export function openUnixDatagrams(kernel: Pick<Kernel, 'syscall'>, path: string): Datagrams {
  const name = Buffer.from(path)
  const address = Buffer.alloc(3 + name.length)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, 2)
  const fail = (errno: number): GantryError => new GantryError('Unavailable', `dial unixgram ${path}: connect: ${errnoText(errno)}`)
  const fd = kernel.syscall(nr('socket'), AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) throw fail(-fd)
  const connected = kernel.syscall(nr('connect'), fd, address, address.length)
  if (connected < 0) {
    closeSync(fd)
    throw fail(-connected)
  }
  return {
    async send(bytes) {
      for (let wait = 1; ; wait = Math.min(wait * 2, 100)) {
        const sent = kernel.syscall(nr('sendto'), fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, null, 0)
        if (sent >= 0) return
        if (sent !== -EAGAIN && sent !== -ENOBUFS) throw new Error(`write unixgram ${path}: ${errnoText(-sent)}`)
        await sleep(wait)
      }
    },
    close: () => closeSync(fd),
  }
}
