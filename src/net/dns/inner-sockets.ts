import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { KernelError } from '../../kernel/failure.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { HomeNamespace } from '../../kernel/netlink/namespace.ts'
import { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import { protocol } from '../../kernel/netlink/constants.ts'
import { rewritePort } from '../../kernel/port-rewrite.ts'
import { SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from '../../kernel/constants/sockets.ts'
import { nr } from '../../kernel/syscalls.ts'
import { addressBytes } from '../../lib/ip-address.ts'

const AF_INET = 2
const AF_INET6 = 10
const SO_REUSEADDR = 2
const EADDRINUSE = 98
const addressLength = 16

export interface ListeningSockets {
  udp: number
  tcp: number
  /** Holds the rules by which port 53 leads there; undefined where the sockets are bound to port 53. */
  rules: NetlinkSocket | undefined
}

/** The network namespace of a container, held open, and sockets in it. */
export class InnerSockets {
  readonly #kernel: Kernel
  readonly #home: HomeNamespace
  readonly #fd: number
  readonly #whose: string

  /** @throws Error when the process does not live in this namespace (any more) */
  constructor(parts: { kernel: Kernel; home: HomeNamespace }, { pid, namespace }: { pid: number; namespace: number }) {
    this.#kernel = parts.kernel
    this.#home = parts.home
    this.#whose = `process ${pid}`
    this.#fd = openSync(`/proc/${pid}/ns/net`, 'r')
    if (fstatSync(this.#fd).ino === namespace) return
    this.close()
    throw new Error(`process ${pid} does not live in network namespace ${namespace}`)
  }

  /**
   * Sockets that programs inside find at port 53 of `address`. The port itself stays free for a name server in the container, unless
   * the kernel has no nftables.
   */
  listenAt(address: string): ListeningSockets {
    for (let attempt = 0; ; attempt++) {
      const [udp, tcp] = this.#pair(address, 0)
      if (tcp === undefined) {
        closeSync(udp)
        if (attempt < 10) continue
        throw new KernelError(`cannot listen at ${address}`, EADDRINUSE)
      }
      const rules = this.#rules(address, this.#portOf(udp))
      if (rules !== undefined) return { udp, tcp, rules }
      for (const fd of [udp, tcp]) closeSync(fd)
      const [fixedUdp, fixedTcp] = this.#pair(address, 53)
      if (fixedTcp !== undefined) return { udp: fixedUdp, tcp: fixedTcp, rules: undefined }
      closeSync(fixedUdp)
      throw new KernelError(`cannot listen at ${address}:53`, EADDRINUSE)
    }
  }

  udp(family: 4 | 6): UdpSocket {
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', lookup: (host, _options, found) => found(null, host, family) })
    return socket.bind({ fd: this.#open(family, SOCK_DGRAM) })
  }

  /** To be connected. */
  tcp(family: 4 | 6): Socket {
    return new Socket({ fd: this.#open(family, SOCK_STREAM), readable: true, writable: true, manualStart: true } as ConstructorParameters<typeof Socket>[0])
  }

  close(): void {
    closeSync(this.#fd)
  }

  #open(family: 4 | 6, kind: number): number {
    const fd = this.#home.within(this.#fd, this.#whose, () => this.#kernel.syscall(nr('socket'), family === 4 ? AF_INET : AF_INET6, kind | SOCK_CLOEXEC, 0))
    if (fd < 0) throw new KernelError('cannot open socket', -fd)
    return fd
  }

  /** The same port for both protocols, 0 for any; the second is missing when only the first could get it. */
  #pair(address: string, port: number): [number, number | undefined] {
    const udp = this.#bound(SOCK_DGRAM, address, port)
    if (udp < 0) throw new KernelError(`cannot bind ${address}:${port}`, -udp)
    const tcp = this.#bound(SOCK_STREAM, address, this.#portOf(udp))
    if (tcp >= 0) return [udp, tcp]
    if (tcp === -EADDRINUSE) return [udp, undefined]
    closeSync(udp)
    throw new KernelError(`cannot bind ${address}:${port}`, -tcp)
  }

  /** @returns the descriptor, or -errno */
  #bound(kind: number, address: string, port: number): number {
    const fd = this.#open(4, kind)
    if (kind === SOCK_STREAM) this.#kernel.syscall(nr('setsockopt'), fd, SOL_SOCKET, SO_REUSEADDR, Buffer.of(1, 0, 0, 0), 4)
    const bytes = Buffer.alloc(addressLength)
    bytes.writeUInt16LE(AF_INET, 0)
    bytes.writeUInt16BE(port, 2)
    addressBytes(address).copy(bytes, 4)
    const result = this.#kernel.syscall(nr('bind'), fd, bytes, bytes.length)
    if (result >= 0) return fd
    closeSync(fd)
    return result
  }

  #portOf(fd: number): number {
    const bytes = Buffer.alloc(addressLength)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(addressLength)
    this.#kernel.syscall(nr('getsockname'), fd, bytes, length)
    return bytes.readUInt16BE(2)
  }

  #rules(address: string, socketPort: number): NetlinkSocket | undefined {
    let socket: NetlinkSocket | undefined
    try {
      socket = this.#home.within(this.#fd, this.#whose, () => new NetlinkSocket(this.#kernel, protocol.netfilter))
      rewritePort(socket, { table: 'gantry-dns', address, port: 53, socketPort })
      return socket
    } catch {
      socket?.close()
      return undefined
    }
  }
}
