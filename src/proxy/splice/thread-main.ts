import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { event, Poller } from './poller.ts'
import type { ForwardRule } from '../rule.ts'
import { DatagramMemory } from './datagram-memory.ts'
import { DatagramRelay } from './datagram-relay.ts'
import { Relay } from './relay.ts'
import type { Crowd } from './relay.ts'
import { bindDatagrams, call, listen } from './sockets.ts'

/** How long a client of UDP may be silent, in ms. */
const defaultIdle = 90_000

/** To the thread. A descriptor that listens already may come with the rule. */
export type Order = { id: number; op: 'open'; rule: ForwardRule; listenFd?: number | undefined; idle?: number | undefined } | { id: number; op: 'close'; relay: number } | { id: number; op: 'end' }

/** From the thread; `errno` 0: done. A relay is called by the id of the order that opened it. */
export interface Report {
  id: number
  errno: number
}

/**
 * The thread that moves bytes. It sleeps in epoll_wait, where no message can reach it: whoever sends an order writes to the
 * eventfd `wake` as well.
 */
export function runSpliceThread(port: MessagePort, wake: number): void {
  const poller = new Poller()
  const relays = new Map<number, { close(): void }>()
  let memory: DatagramMemory | undefined
  const crowd: Crowd = { eager: new Set(), paused: new Set() }
  const state = { isEnding: false }

  const obey = (order: Order): number => {
    if (order.op === 'end') state.isEnding = true
    if (order.op === 'close') {
      relays.get(order.relay)?.close()
      relays.delete(order.relay)
    }
    if (order.op !== 'open') return 0
    const { id, rule, listenFd, idle = defaultIdle } = order
    if (rule.protocol === 'udp') {
      const listener = bindDatagrams(rule.hostIp, rule.hostPort, listenFd)
      if (listener < 0) return -listener
      relays.set(id, new DatagramRelay(poller, rule, { listener, idle, memory: (memory ??= new DatagramMemory()) }))
      return 0
    }
    const { protocol } = rule
    const listener = listenFd ?? listen(protocol, rule.hostIp, rule.hostPort)
    if (listener < 0) return -listener
    relays.set(id, new Relay(poller, { ...rule, protocol }, { listener, crowd }))
    return 0
  }

  const counter = Buffer.alloc(8)
  poller.add(wake, event.readable, () => {
    call('read', wake, counter, counter.length)
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const order = next.message as Order
      port.postMessage({ id: order.id, errno: obey(order) } satisfies Report)
    }
  })
  while (!state.isEnding) {
    const eager = [...crowd.eager]
    poller.wait(eager.length > 0 ? 0 : crowd.paused.size > 0 ? 100 : -1)
    for (const go of eager) if (crowd.eager.has(go)) go()
    for (const relay of crowd.paused) if (relay.pauseUntil <= performance.now()) relay.resume()
  }
}
