import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { event, Poller } from './poller.ts'
import { Relay } from './relay.ts'
import type { Crowd, StreamRule } from './relay.ts'
import { call, listen } from './sockets.ts'

/** To the thread. A descriptor that listens already may come with the rule. */
export type Order = { id: number; op: 'open'; rule: StreamRule; listenFd?: number } | { id: number; op: 'close'; relay: number } | { id: number; op: 'end' }

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
  const relays = new Map<number, Relay>()
  const crowd: Crowd = { eager: new Set(), paused: new Set() }
  const state = { isEnding: false }

  const obey = (order: Order): number => {
    if (order.op === 'end') state.isEnding = true
    if (order.op === 'close') {
      relays.get(order.relay)?.close()
      relays.delete(order.relay)
    }
    if (order.op !== 'open') return 0
    const listener = order.listenFd ?? listen(order.rule.protocol, order.rule.hostIp, order.rule.hostPort)
    if (listener < 0) return -listener
    relays.set(order.id, new Relay(poller, order.rule, { listener, crowd }))
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
