import { close, closeSync } from 'node:fs'
import { KernelError } from '../failure.ts'
import type { Kernel } from '../kernel.ts'
import { nr } from '../syscalls.ts'
import { decodeAcknowledgement, NetlinkError } from './acknowledgement.ts'
import { control, flag } from './constants.ts'
import { decodeMessages, encodeMessage } from './message.ts'
import type { DecodedMessage, Message } from './message.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const EINTR = 4
const ENOENT = 2

/** One for all sockets: it is read before anybody else has a turn. */
const answers = Buffer.allocUnsafeSlow(65_536)

/** A request with the words for its failure: "cannot add address 172.17.0.2/16". */
export interface Request {
  act: string
  message: Message
  /** Errnos that mean that the wish is already fulfilled. */
  ignore?: readonly number[]
}

/**
 * A netlink socket. It stays in the network namespace in which it was opened, wherever its user goes.
 * The kernel works a request off inside sendto, so every answer is there when sendto returns: nothing here waits.
 */
export class NetlinkSocket {
  readonly #kernel: Kernel
  readonly #fd: number
  #sequence = 0

  constructor(kernel: Kernel, protocol: number) {
    this.#kernel = kernel
    this.#fd = kernel.syscall(nr('socket'), AF_NETLINK, SOCK_RAW_CLOEXEC, protocol)
    if (this.#fd < 0) throw new KernelError('cannot open netlink socket', -this.#fd)
    const one = Buffer.of(1, 0, 0, 0)
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
      kernel.syscall(nr('setsockopt'), this.#fd, SOL_NETLINK, option, one, one.length)
    }
  }

  /**
   * Sends all requests as one datagram. The kernel works off every one of them, also after one that failed.
   * @throws NetlinkError the first failure
   */
  batch(requests: readonly Request[]): void {
    const bySequence = new Map<number, Request>()
    this.#send(requests.map((request) => {
      const sequence = ++this.#sequence
      const wanted = (request.message.flags & flag.ack) !== 0
      if (wanted) bySequence.set(sequence, request)
      return encodeMessage({ ...request.message, sequence })
    }), requests[0]?.act ?? '')
    let failure: NetlinkError | undefined
    while (bySequence.size > 0) {
      for (const reply of this.#receive()) {
        if (reply.type !== control.error) continue
        const request = bySequence.get(reply.sequence) ?? requests.find(({ message }) => (message.flags & flag.ack) !== 0)
        const { errno, detail } = decodeAcknowledgement(reply)
        if (bySequence.delete(reply.sequence)) {
          if (errno !== 0 && request?.ignore?.includes(errno) !== true) failure ??= new NetlinkError(request?.act ?? '', errno, detail)
        } else if (errno !== 0) {
          // The kernel refused the datagram as a whole.
          throw new NetlinkError(request?.act ?? '', errno, detail)
        }
      }
    }
    if (failure !== undefined) throw failure
  }

  /** Every object that a dump request yields. */
  dump(request: Request): DecodedMessage[] {
    this.#send([encodeMessage({ ...request.message, flags: flag.request | flag.dump, sequence: ++this.#sequence })], request.act)
    const found: DecodedMessage[] = []
    for (;;) {
      for (const reply of this.#receive()) {
        if (reply.type === control.done) return found
        if (reply.type === control.error) throw new NetlinkError(request.act, decodeAcknowledgement(reply).errno)
        found.push({ ...reply, payload: Buffer.from(reply.payload) })
      }
    }
  }

  /** One object, or undefined when there is none. */
  get(request: Request): DecodedMessage | undefined {
    this.#send([encodeMessage({ ...request.message, flags: flag.request, sequence: ++this.#sequence })], request.act)
    const reply = this.#receive()[0]
    if (reply === undefined || reply.type !== control.error) return reply
    const { errno, detail } = decodeAcknowledgement(reply)
    if (errno === ENOENT || errno === 19) return undefined
    throw new NetlinkError(request.act, errno, detail)
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** Closes on another thread: the kernel waits some 15 ms for all processors before tables go that a socket owns. */
  closeApart(): void {
    close(this.#fd, () => {})
  }

  #send(messages: Buffer[], act: string): void {
    const bytes = Buffer.concat(messages)
    const sent = this.#retry(() => this.#kernel.syscall(nr('sendto'), this.#fd, bytes, bytes.length, 0, null, 0))
    if (sent < 0) throw new NetlinkError(act, -sent)
  }

  #receive(): DecodedMessage[] {
    const length = this.#retry(() =>
      this.#kernel.syscall(nr('recvfrom'), this.#fd, answers, answers.length, MSG_DONTWAIT | MSG_TRUNC, null, null))
    if (length < 0) throw new KernelError('cannot read netlink answer', -length)
    if (length > answers.length) throw new Error(`netlink answer of ${length} bytes is too long`)
    return decodeMessages(answers.subarray(0, length))
  }

  #retry(call: () => number): number {
    for (;;) {
      const result = call()
      if (result !== -EINTR) return result
    }
  }
}
