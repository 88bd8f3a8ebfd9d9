import type { ContainerStats } from '../types/container-stats.ts'
import type { Container } from './container.ts'
import { statsFrame, type Sample } from './stats-frame.ts'
import { hostUsage } from './stats-host.ts'
import { networkStats } from './stats-networks.ts'
import { now } from './timestamp.ts'

const intervalMilliseconds = 1000
/** Of who wants one frame and the one before: long enough to tell shares of the CPU. */
const shortMilliseconds = 250

/** A container that someone looks at. */
interface Watch {
  container: Container
  listeners: Set<Inbox>
  timer: NodeJS.Timeout | undefined
  /** undefined while the container does not run. */
  sample: Sample | undefined
  frame: ContainerStats
}

/** Reads each container that has listeners once a second, however many they are. Without listeners nothing runs. */
export class StatsReader {
  readonly #watches = new Map<string, Watch>()

  /**
   * Frames from now on, the latest first. A listener that is slow misses frames instead of holding them up. Ends when
   * `signal` aborts or the container is removed.
   * @param soon if nobody else looks at the container, the second frame comes sooner than in a second
   */
  async *frames(container: Container, signal: AbortSignal, { soon = false }: { soon?: boolean } = {}): AsyncGenerator<ContainerStats> {
    if (signal.aborted) return
    const inbox = new Inbox()
    const abort = (): void => inbox.put(undefined)
    signal.addEventListener('abort', abort, { once: true })
    const watch = this.#join(container, inbox, soon ? shortMilliseconds : intervalMilliseconds)
    try {
      for (let frame = await inbox.take(); frame !== undefined; frame = await inbox.take()) yield frame
    } finally {
      signal.removeEventListener('abort', abort)
      this.#leave(watch, inbox)
    }
  }

  #join(container: Container, inbox: Inbox, interval: number): Watch {
    let watch = this.#watches.get(container.id)
    if (watch === undefined) {
      const sample = readSample(container)
      watch = { container, listeners: new Set(), timer: undefined, sample, frame: statsFrame(container, sample, undefined) }
      this.#watches.set(container.id, watch)
      this.#schedule(watch, interval)
    }
    watch.listeners.add(inbox)
    inbox.put(watch.frame)
    return watch
  }

  #leave(watch: Watch, inbox: Inbox): void {
    watch.listeners.delete(inbox)
    if (watch.listeners.size === 0) this.#forget(watch)
  }

  #forget(watch: Watch): void {
    clearTimeout(watch.timer)
    if (this.#watches.get(watch.container.id) === watch) this.#watches.delete(watch.container.id)
  }

  #schedule(watch: Watch, interval = intervalMilliseconds): void {
    watch.timer = setTimeout(() => this.#read(watch), interval)
  }

  #read(watch: Watch): void {
    const { container, sample: previous } = watch
    if (container.removed) {
      this.#forget(watch)
      for (const inbox of watch.listeners) inbox.put(undefined)
      return
    }
    watch.sample = readSample(container)
    watch.frame = statsFrame(container, watch.sample, previous)
    for (const inbox of watch.listeners) inbox.put(watch.frame)
    this.#schedule(watch)
  }
}

/** Holds the latest frame for one listener. Once `undefined` was put, nothing more comes out. */
class Inbox {
  #latest: ContainerStats | undefined
  #ended = false
  #wake: (() => void) | undefined

  put(frame: ContainerStats | undefined): void {
    if (frame === undefined) this.#ended = true
    else this.#latest = frame
    this.#wake?.()
  }

  async take(): Promise<ContainerStats | undefined> {
    while (!this.#ended && this.#latest === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
    const frame = this.#ended ? undefined : this.#latest
    this.#latest = undefined
    return frame
  }
}

/** undefined when the container does not run. */
export function readSample(container: Container): Sample | undefined {
  const { task, state } = container
  if (task === undefined || !state.Running || state.Restarting) return undefined
  return { read: now(), usage: task.usage(), host: hostUsage(), networks: networkStats(task.pid) }
}
