import { readSync, writeSync } from 'node:fs'
import { linuxKernel } from '../../kernel/linux.ts'
import { memoryFile } from '../../kernel/memory-file.ts'
import { call } from './sockets.ts'

const MSG_DONTWAIT = 0x40
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const [vectorAt, controlAt, nameAt, dataAt] = [64, 128, 192, 256]
const controlRoom = 64
const nameRoom = 28
const longest = 65_536
const [SOL_IP, IP_PKTINFO, SOL_IPV6, IPV6_PKTINFO] = [0, 8, 41, 50]

/** Who sent a datagram, and to which address of this host: struct sockaddr, and a control message that makes answers come from there. */
export interface Route {
  peer: Buffer
  /** Empty: the kernel chooses. */
  local: Buffer
}

export interface Datagram extends Route {
  data: Buffer
}

/**
 * Memory for recvmsg(2) and sendmsg(2), whose structures have addresses of their parts in them: a memory file, mapped at an address that
 * mmap tells, written and read through its descriptor. One for a thread: there is never more than one message in it.
 */
export class DatagramMemory {
  readonly #file = memoryFile(linuxKernel, 'datagram', Buffer.alloc(dataAt + longest))
  readonly #address = call('mmap', 0, dataAt + longest, PROT_READ_WRITE, MAP_SHARED, this.#file, 0)
  readonly #head = Buffer.alloc(dataAt)

  /** Undefined: there is none, or an error has been reported. */
  receive(socket: number): Datagram | undefined {
    this.#write({ nameLength: nameRoom, controlLength: controlRoom, length: longest })
    const size = call('recvmsg', socket, this.#address, MSG_DONTWAIT)
    if (size < 0) return undefined
    const head = Buffer.alloc(dataAt)
    readSync(this.#file, head, 0, dataAt, 0)
    const data = Buffer.alloc(size)
    readSync(this.#file, data, 0, size, dataAt)
    const control = head.subarray(controlAt, controlAt + Number(head.readBigUInt64LE(40)))
    return { data, peer: head.subarray(nameAt, nameAt + head.readUInt32LE(8)), local: sender(control) }
  }

  send(socket: number, data: Buffer, { peer, local }: Route): void {
    this.#head.fill(0, controlAt)
    peer.copy(this.#head, nameAt)
    local.copy(this.#head, controlAt)
    this.#write({ nameLength: peer.length, controlLength: local.length, length: data.length })
    writeSync(this.#file, data, 0, data.length, dataAt)
    call('sendmsg', socket, this.#address, MSG_DONTWAIT)
  }

  /** struct msghdr with one iovec. */
  #write({ nameLength, controlLength, length }: { nameLength: number; controlLength: number; length: number }): void {
    const head = this.#head.fill(0, 0, controlAt)
    const pointer = (value: number, at: number): number => head.writeBigUInt64LE(BigInt(value), at)
    pointer(this.#address + nameAt, 0)
    head.writeUInt32LE(nameLength, 8)
    pointer(this.#address + vectorAt, 16)
    pointer(1, 24)
    pointer(controlLength === 0 ? 0 : this.#address + controlAt, 32)
    pointer(controlLength, 40)
    pointer(this.#address + dataAt, vectorAt)
    pointer(length, vectorAt + 8)
    writeSync(this.#file, head, 0, dataAt, 0)
  }
}

/** Of the control message that came, the one for answers: ip(7) and ipv6(7). */
function sender(control: Buffer): Buffer {
  if (control.length < 28) return Buffer.alloc(0)
  const [level, kind] = [control.readInt32LE(8), control.readInt32LE(12)]
  if (level === SOL_IP && kind === IP_PKTINFO) {
    const answer = Buffer.alloc(32)
    control.copy(answer, 0, 0, 28)
    // The interface is for the routing table to choose; ipi_addr is only for who receives.
    answer.fill(0, 16, 20).fill(0, 24, 28)
    return answer
  }
  if (level !== SOL_IPV6 || kind !== IPV6_PKTINFO || control.length < 36 || control[16] === 0xff) return Buffer.alloc(0)
  const answer = Buffer.alloc(40)
  control.copy(answer, 0, 0, 36)
  const isLinkLocal = control[16] === 0xfe && ((control[17] ?? 0) & 0xc0) === 0x80
  if (!isLinkLocal) answer.fill(0, 32, 36)
  return answer
}
