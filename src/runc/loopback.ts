import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from '../kernel/constants/sockets.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'

const SIOCSIFFLAGS = 0x8914
const IFF_UP = 1
/** struct ifreq */
const requestSize = 40
const flagsOffset = 16
const EBADF = 9
const ENODEV = 19
const EAFNOSUPPORT = 97

/** In a network namespace that was just made; as runc and crun do, whose callers count on it (podman --network=none). */
export function bringLoopbackUp(builder: ProgramBuilder): void {
  const request = Buffer.alloc(requestSize)
  request.write('lo', 0)
  request.writeUInt16LE(IFF_UP, flagsOffset)
  const socket = builder.cell('socket for lo')
  builder.call('make a socket for lo', 'socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], { save: socket, ignore: [EAFNOSUPPORT] })
  builder.call('bring lo up', 'ioctl', [socket, SIOCSIFFLAGS, builder.bytes(request)], { ignore: [EBADF, ENODEV] })
  builder.call('close the socket for lo', 'close', [socket], { ignore: [EBADF] })
}
