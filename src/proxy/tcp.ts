import type { Forwarder, ForwardRule } from './rule.ts'
import { forwardByThread } from './splice/thread.ts'

/** Forwards connections. Each side may end its half alone; a slow reader slows down the writer; an abort is passed on. */
export function forwardTcp(rule: ForwardRule, listenFd?: number): Promise<Forwarder> {
  return forwardByThread({ ...rule, protocol: rule.protocol === 'sctp' ? 'sctp' : 'tcp' }, { listenFd })
}
