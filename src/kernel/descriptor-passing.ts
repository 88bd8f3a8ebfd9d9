import { closeSync, readSync, writeSync } from 'node:fs'
import { MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET } from './constants/sockets.ts'
import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { memoryFile } from './memory-file.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

export interface ReceivedMessage {
  /** Empty when the other side has closed. */
  bytes: Buffer
  /** A descriptor that came along, close-on-exec. */
  descriptor?: number
}

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const EINTR = 4
const messageSize = 56
const vectorAt = 64
const controlAt = 128
const controlHeader = 16
const controlSize = 24
const dataAt = 4096

/** Waits for one message (man 2 recvmsg). */
export function receiveMessage(kernel: Calls, socket: number, room = 65_536): ReceivedMessage {
  return withMemory(kernel, room, ({ address, file }) => {
    writeSync(file, messageHeader(address, room), 0, dataAt, 0)
    const size = retry(() => kernel.syscall(nr('recvmsg'), socket, address, MSG_CMSG_CLOEXEC))
    if (size < 0) throw new KernelError('cannot receive a message', -size)
    const header = read(file, 0, dataAt)
    const bytes = read(file, dataAt, size)
    const came = header.readBigUInt64LE(40) >= BigInt(controlHeader + 4) && header.readInt32LE(controlAt + 12) === SCM_RIGHTS
    return came ? { bytes, descriptor: header.readInt32LE(controlAt + controlHeader) } : { bytes }
  })
}

/** Sends a descriptor with one byte, as runtimes send a terminal's master. */
export function sendDescriptor(kernel: Calls, socket: number, descriptor: number): void {
  withMemory(kernel, 1, ({ address, file }) => {
    const header = messageHeader(address, 1)
    header.writeBigUInt64LE(BigInt(controlHeader + 4), controlAt)
    header.writeInt32LE(SOL_SOCKET, controlAt + 8)
    header.writeInt32LE(SCM_RIGHTS, controlAt + 12)
    header.writeInt32LE(descriptor, controlAt + controlHeader)
    writeSync(file, Buffer.concat([header, Buffer.from('+')]), 0, dataAt + 1, 0)
    const result = retry(() => kernel.syscall(nr('sendmsg'), socket, address, 0))
    if (result < 0) throw new KernelError('cannot send a descriptor', -result)
  })
}

/** struct msghdr with one iovec and room for one descriptor. */
function messageHeader(address: number, room: number): Buffer {
  const header = Buffer.alloc(dataAt)
  const pointer = (value: number, at: number): number => header.writeBigUInt64LE(BigInt(value), at)
  pointer(address + vectorAt, 16)
  pointer(1, 24)
  pointer(address + controlAt, 32)
  pointer(controlSize, 40)
  pointer(address + dataAt, vectorAt)
  pointer(room, vectorAt + 8)
  return header.fill(0, messageSize, vectorAt)
}

/**
 * The structure has addresses of its parts in it, which are not to be had of a Buffer: so it lies in a memory file, mapped at an address that
 * mmap tells, written and read through its descriptor.
 */
function withMemory<T>(kernel: Calls, room: number, use: (memory: { address: number; file: number }) => T): T {
  const size = dataAt + room
  const file = memoryFile(kernel, 'message', Buffer.alloc(size))
  const address = kernel.syscall(nr('mmap'), 0, size, PROT_READ_WRITE, MAP_SHARED, file, 0)
  try {
    if (address < 0) throw new KernelError('cannot map memory for a message', -address)
    return use({ address, file })
  } finally {
    if (address >= 0) kernel.syscall(nr('munmap'), address, size)
    closeSync(file)
  }
}

function read(file: number, from: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  readSync(file, bytes, 0, size, from)
  return bytes
}

function retry(call: () => number): number {
  for (;;) {
    const result = call()
    if (result !== -EINTR) return result
  }
}
