import type { ForwardRule } from '../rule.ts'
import { Direction } from './direction.ts'
import { event } from './poller.ts'
import type { Poller } from './poller.ts'
import { abort, call, close, connectError, errno, startConnect, tune } from './sockets.ts'

const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const both = event.readable | event.writable | event.peerEnded | event.edge
const last = event.peerEnded | event.hangUp | event.error
/** How long no connection is accepted after descriptors have run out, in ms. */
const breath = 100

export type StreamRule = ForwardRule & { protocol: 'tcp' | 'sctp' }

/** What all relays of a thread have to be asked about: whoever has nothing to say costs nothing. */
export interface Crowd {
  /** Connections that could go on at once. */
  eager: Set<() => void>
  paused: Set<Relay>
}

/** A listening socket and its connections, each led to the rule's target. A side that ends may still be answered; an abort is passed on. */
export class Relay {
  readonly #poller: Poller
  readonly #rule: StreamRule
  readonly #listener: number
  readonly #connections = new Set<() => void>()
  readonly #crowd: Crowd
  #pauseUntil = 0

  constructor(poller: Poller, rule: StreamRule, { listener, crowd }: { listener: number; crowd: Crowd }) {
    this.#poller = poller
    this.#crowd = crowd
    this.#rule = rule
    this.#listener = listener
    poller.add(listener, event.readable, () => this.#accept())
  }

  /** When somebody has to call `resume`, in ms of performance.now; 0: not. */
  get pauseUntil(): number {
    return this.#pauseUntil
  }

  resume(): void {
    this.#pauseUntil = 0
    this.#crowd.paused.delete(this)
    this.#poller.add(this.#listener, event.readable, () => this.#accept())
  }

  close(): void {
    this.#crowd.paused.delete(this)
    this.#poller.remove(this.#listener)
    close(this.#listener)
    for (const cut of this.#connections) cut()
  }

  #accept(): void {
    for (let count = 0; count < 64; count++) {
      const client = call('accept4', this.#listener, null, null, SOCK_NONBLOCK_CLOEXEC)
      if (client === -errno.EAGAIN) return
      if (client === -errno.EMFILE || client === -errno.ENFILE || client === -errno.ENOMEM) {
        this.#poller.remove(this.#listener)
        this.#pauseUntil = performance.now() + breath
        this.#crowd.paused.add(this)
        return
      }
      if (client >= 0) this.#lead(client)
    }
  }

  #lead(client: number): void {
    const target = startConnect(this.#rule.protocol, this.#rule.containerIp, this.#rule.containerPort)
    if (target < 0) {
      abort(client)
      return
    }
    const directions = [new Direction(client, target), new Direction(target, client)]
    let isConnected = false
    const end = (how: (fd: number) => void): void => {
      if (!this.#connections.delete(cut)) return
      this.#crowd.eager.delete(pump)
      for (const fd of [client, target]) {
        this.#poller.remove(fd)
        how(fd)
      }
      for (const direction of directions) direction.discard()
    }
    const cut = (): void => end(abort)
    const pump = (): void => move(directions)
    const note = (fd: number, events: number): void => {
      if ((events & last) !== 0) for (const direction of directions) if (direction.from === fd) direction.expectEnd()
    }
    /** What something happened to: nothing new comes from the other side. */
    const pumpFrom = (fd: number, events: number): void => {
      note(fd, events)
      move(directions.filter((direction) => direction.from === fd || direction.isHolding))
    }
    const move = (which: readonly Direction[]): void => {
      this.#crowd.eager.delete(pump)
      const progress = directions.map((direction) => (which.includes(direction) ? direction.pump() : direction.progress))
      if (progress.includes('broken')) cut()
      else if (progress.every((one) => one === 'done')) end(close)
      else if (progress.includes('more')) this.#crowd.eager.add(pump)
    }
    this.#connections.add(cut)
    for (const fd of [client, target]) tune(fd)
    this.#poller.add(target, both, (events) => {
      if (isConnected) {
        pumpFrom(target, events)
        return
      }
      if (connectError(target) !== 0) {
        cut()
        return
      }
      isConnected = true
      note(target, events)
      this.#poller.add(client, both, (now) => pumpFrom(client, now))
      pump()
    })
  }
}
