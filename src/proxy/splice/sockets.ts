import { linuxKernel } from '../../kernel/linux.ts'
import type { SyscallArgument } from '../../kernel/kernel.ts'
import { nr } from '../../kernel/syscalls.ts'
import { addressBytes } from '../../lib/ip-address.ts'

const [AF_INET, AF_INET6] = [2, 10]
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000
const IPPROTO_SCTP = 132
const [SOL_SOCKET, SO_REUSEADDR, SO_ERROR, SO_KEEPALIVE, SO_LINGER] = [1, 2, 4, 9, 13]
const [IPPROTO_TCP, TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL] = [6, 1, 4, 5]
const [IPPROTO_IPV6, IPV6_V6ONLY, IPV6_RECVPKTINFO] = [41, 26, 49]
const [IPPROTO_IP, IP_PKTINFO] = [0, 8]
const one = Buffer.of(1, 0, 0, 0)
const pause = Buffer.of(15, 0, 0, 0)

export const errno = { EAGAIN: 11, ENFILE: 23, EMFILE: 24, ENOMEM: 12, EINPROGRESS: 115 } as const

const numbers = new Map<string, number>()

/** A system call by name: the result, or a negative errno. */
export function call(name: string, ...args: SyscallArgument[]): number {
  let number = numbers.get(name)
  if (number === undefined) numbers.set(name, (number = nr(name)))
  return linuxKernel.syscall(number, ...args)
}

/** @returns a listening socket, or a negative errno */
export function listen(protocol: 'tcp' | 'sctp', address: string, port: number): number {
  const fd = stream(protocol, address)
  if (fd < 0) return fd
  call('setsockopt', fd, SOL_SOCKET, SO_REUSEADDR, one, one.length)
  if (address.includes(':')) call('setsockopt', fd, IPPROTO_IPV6, IPV6_V6ONLY, one, one.length)
  const name = socketAddress(address, port)
  const bound = call('bind', fd, name, name.length)
  const failed = bound < 0 ? bound : call('listen', fd, 4096)
  if (failed >= 0) return fd
  close(fd)
  return failed
}

/** @returns a socket for datagrams that tells to which address each came, or a negative errno. `made`: by somebody else. */
export function bindDatagrams(address: string, port: number, made?: number): number {
  const fd = made ?? datagrams(address)
  if (fd < 0) return fd
  // What is of the other family fails, and has no effect.
  call('setsockopt', fd, IPPROTO_IP, IP_PKTINFO, one, one.length)
  call('setsockopt', fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, one, one.length)
  if (made !== undefined) return fd
  if (address.includes(':')) call('setsockopt', fd, IPPROTO_IPV6, IPV6_V6ONLY, one, one.length)
  const name = socketAddress(address, port)
  const bound = call('bind', fd, name, name.length)
  if (bound >= 0) return fd
  close(fd)
  return bound
}

/** @returns a socket to and from that place alone, or a negative errno */
export function connectDatagrams(address: string, port: number): number {
  const fd = datagrams(address)
  if (fd < 0) return fd
  const name = socketAddress(address, port)
  const result = call('connect', fd, name, name.length)
  if (result >= 0) return fd
  close(fd)
  return result
}

/** @returns a socket that is on its way to be connected, or a negative errno */
export function startConnect(protocol: 'tcp' | 'sctp', address: string, port: number): number {
  const fd = stream(protocol, address)
  if (fd < 0) return fd
  const name = socketAddress(address, port)
  const result = call('connect', fd, name, name.length)
  if (result >= 0 || result === -errno.EINPROGRESS) return fd
  close(fd)
  return result
}

/** The errno of a connect that has ended; 0: it succeeded. */
export function connectError(fd: number): number {
  const value = Buffer.alloc(4)
  const length = Buffer.of(4, 0, 0, 0)
  const result = call('getsockopt', fd, SOL_SOCKET, SO_ERROR, value, length)
  return result < 0 ? -result : value.readInt32LE(0)
}

/** Sends small pieces at once, and notices a peer that has vanished, after Go's 15 seconds. Without effect on what is not TCP. */
export function tune(fd: number): void {
  call('setsockopt', fd, SOL_SOCKET, SO_KEEPALIVE, one, one.length)
  call('setsockopt', fd, IPPROTO_TCP, TCP_NODELAY, one, one.length)
  for (const option of [TCP_KEEPIDLE, TCP_KEEPINTVL]) call('setsockopt', fd, IPPROTO_TCP, option, pause, pause.length)
}

/** So that the peer learns of an abort. */
export function abort(fd: number): void {
  const linger = Buffer.of(1, 0, 0, 0, 0, 0, 0, 0)
  call('setsockopt', fd, SOL_SOCKET, SO_LINGER, linger, linger.length)
  close(fd)
}

export function close(fd: number): void {
  call('close', fd)
}

function datagrams(address: string): number {
  return call('socket', address.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0)
}

function stream(protocol: 'tcp' | 'sctp', address: string): number {
  return call('socket', address.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, protocol === 'sctp' ? IPPROTO_SCTP : 0)
}

/** struct sockaddr_in: family, port, address. struct sockaddr_in6: family, port, flow, address, scope. */
function socketAddress(address: string, port: number): Buffer {
  const isV6 = address.includes(':')
  const bytes = Buffer.alloc(isV6 ? 28 : 16)
  bytes.writeUInt16LE(isV6 ? AF_INET6 : AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  addressBytes(address).copy(bytes, isV6 ? 8 : 4)
  return bytes
}
