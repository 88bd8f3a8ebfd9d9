import type { Forwarder, ForwardRule } from './rule.ts'
import { forwardByThread } from './splice/thread.ts'

/** Forwards datagrams; answers come from the address that was called. Whoever is silent for `idle` ms, 90 seconds by default, is forgotten. */
export function forwardUdp(rule: ForwardRule, options: { listenFd?: number; idle?: number } = {}): Promise<Forwarder> {
  return forwardByThread(rule, options)
}
