import type { EventMessage, Events, Filters } from './engine.ts'
import { matchesEvent } from './events/filter.ts'

/** How many past events a late listener can still see. */
const remembered = 256
/** Events that wait for one slow listener; further ones are lost to it, as with Docker, so that memory stays flat. */
const maxQueued = 4096

/** How many events there were, and how many follow them now. */
export interface CountedEvents extends Events {
  counts(): { logged: number; subscribers: number }
}

/** Events of this daemon's life. Listeners see what fits their filters, in order. */
export function createEvents(): CountedEvents {
  const past: EventMessage[] = []
  const listeners = new Set<(message: EventMessage) => void>()
  let lastNano = 0n
  let logged = 0

  function emit(type: EventMessage['Type'], action: string, actor: EventMessage['Actor']): void {
    lastNano = laterThan(lastNano)
    const message: EventMessage = {
      Type: type,
      Action: action,
      Actor: actor,
      scope: 'local',
      time: Number(lastNano / 1_000_000_000n),
      timeNano: lastNano,
    }
    logged++
    past.push(message)
    if (past.length > remembered) past.shift()
    for (const listener of listeners) listener(message)
  }

  /** Listening begins with the call, not with the first `next`: nothing that happens in between is missed. */
  function stream(options: Parameters<Events['stream']>[0]): AsyncIterable<EventMessage> {
    const subscription = subscribe(options)
    if (options.since !== undefined) {
      const since = options.since
      for (const message of past) if (milliseconds(message) >= since) subscription.offer(message)
    }
    listeners.add(subscription.offer)
    subscription.onClose(() => listeners.delete(subscription.offer))
    return subscription
  }

  return { emit, stream, counts: () => ({ logged, subscribers: listeners.size }) }
}

interface Subscription extends AsyncIterable<EventMessage> {
  offer: (message: EventMessage) => void
  onClose: (release: () => void) => void
}

function subscribe({ until, filters, signal }: { until?: number; filters: Filters; signal: AbortSignal }): Subscription {
  const queue: EventMessage[] = []
  const releases: (() => void)[] = []
  let wake: (() => void) | undefined
  let closed = false

  function close(): void {
    closed = true
    for (const release of releases.splice(0)) release()
    wake?.()
  }

  function offer(message: EventMessage): void {
    if (until !== undefined && milliseconds(message) > until) return
    if (closed || queue.length >= maxQueued || !matchesEvent(message, filters)) return
    queue.push(message)
    wake?.()
  }

  function onClose(release: () => void): void {
    if (closed) release()
    else releases.push(release)
  }

  async function* iterate(): AsyncGenerator<EventMessage> {
    try {
      for (;;) {
        const message = queue.shift()
        if (message !== undefined) yield message
        else if (closed) return
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    } finally {
      close()
    }
  }

  if (signal.aborted) close()
  else {
    signal.addEventListener('abort', close, { once: true })
    releases.push(() => signal.removeEventListener('abort', close))
  }
  if (until !== undefined) closeAt(until, close, onClose)
  return { offer, onClose, [Symbol.asyncIterator]: iterate }
}

/** setTimeout's longest delay is 2^31-1 ms; a later `until` sleeps in turns. */
function closeAt(until: number, close: () => void, onClose: (release: () => void) => void): void {
  const remaining = until - Date.now()
  const timer = setTimeout(
    () => {
      if (remaining > 2 ** 31 - 1) closeAt(until, close, onClose)
      else close()
    },
    Math.min(Math.max(remaining, 0), 2 ** 31 - 1),
  )
  onClose(() => clearTimeout(timer))
}

function milliseconds(message: EventMessage): number {
  return Number(message.timeNano / 1000n) / 1000
}

/** Now in nanoseconds: the wall clock's milliseconds, and a fraction that keeps the order of events. */
function laterThan(last: bigint): bigint {
  const now = BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)
  return now > last ? now : last + 1n
}
