import type { ForwardRule } from '../rule.ts'
import type { DatagramMemory, Route } from './datagram-memory.ts'
import { event } from './poller.ts'
import type { Poller } from './poller.ts'
import { call, close, connectDatagrams } from './sockets.ts'
import { makeTimer } from './timer.ts'

const MSG_DONTWAIT = 0x40
/** Datagrams of one socket before it is the turn of the next. */
const most = 64

interface Client extends Route {
  fd: number
  /** Of performance.now. */
  lastSeen: number
}

/**
 * Forwards datagrams. Every client has a socket of its own towards the container, until nothing moves for `idle` ms; for the same client
 * another one where it calls another address of this host, for answers come from the address that was called.
 */
export class DatagramRelay {
  readonly #poller: Poller
  readonly #rule: ForwardRule
  readonly #listener: number
  readonly #memory: DatagramMemory
  readonly #idle: number
  readonly #clients = new Map<string, Client>()
  readonly #buffer = Buffer.alloc(65_536)
  #timer = -1

  constructor(poller: Poller, rule: ForwardRule, { listener, memory, idle }: { listener: number; memory: DatagramMemory; idle: number }) {
    this.#poller = poller
    this.#rule = rule
    this.#listener = listener
    this.#memory = memory
    this.#idle = idle
    poller.add(listener, event.readable, () => this.#receive())
  }

  close(): void {
    for (const name of this.#clients.keys()) this.#forget(name)
    this.#poller.remove(this.#listener)
    close(this.#listener)
  }

  #receive(): void {
    for (let count = 0; count < most; count++) {
      const datagram = this.#memory.receive(this.#listener)
      if (datagram === undefined) return
      const { data, peer, local } = datagram
      const client = this.#admit({ peer, local })
      if (client === undefined) continue
      client.lastSeen = performance.now()
      // An error that an earlier one has brought back is reported once, in place of sending.
      if (call('sendto', client.fd, data, data.length, MSG_DONTWAIT, null, 0) < 0) call('sendto', client.fd, data, data.length, MSG_DONTWAIT, null, 0)
    }
  }

  #admit({ peer, local }: Route): Client | undefined {
    const name = `${peer.toString('latin1')} ${local.toString('latin1')}`
    const known = this.#clients.get(name)
    if (known !== undefined) return known
    const fd = connectDatagrams(this.#rule.containerIp, this.#rule.containerPort)
    if (fd < 0) return undefined
    const client: Client = { fd, peer, local, lastSeen: performance.now() }
    this.#clients.set(name, client)
    this.#poller.add(fd, event.readable, () => this.#answer(client))
    if (this.#timer < 0) {
      this.#timer = makeTimer(Math.max(this.#idle / 3, 10))
      this.#poller.add(this.#timer, event.readable, () => this.#sweep())
    }
    return client
  }

  /** Nobody listens in the container (yet): the next datagram may find somebody. */
  #answer(client: Client): void {
    for (let count = 0; count < most; count++) {
      const size = call('recvfrom', client.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT, null, null)
      if (size < 0) return
      client.lastSeen = performance.now()
      this.#memory.send(this.#listener, this.#buffer.subarray(0, size), client)
    }
  }

  #sweep(): void {
    const counter = Buffer.alloc(8)
    call('read', this.#timer, counter, counter.length)
    const limit = performance.now() - this.#idle
    for (const [name, { lastSeen }] of this.#clients) if (lastSeen <= limit) this.#forget(name)
  }

  #forget(name: string): void {
    const client = this.#clients.get(name)
    if (client === undefined) return
    this.#clients.delete(name)
    this.#poller.remove(client.fd)
    close(client.fd)
    if (this.#clients.size > 0) return
    this.#poller.remove(this.#timer)
    close(this.#timer)
    this.#timer = -1
  }
}
