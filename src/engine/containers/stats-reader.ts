import type { ContainerStats } from '../types/container-stats.ts'
import type { Container } from './container.ts'
import { statsFrame, type Sample } from './stats-frame.ts'
import { hostUsage } from './stats-host.ts'
import { networkStats } from './stats-networks.ts'
import { now } from './timestamp.ts'

const intervalMilliseconds = 1000

/** A container that someone looks at. */
interface Watch {
  container: Container
  listeners: Set<(frame: ContainerStats | undefined) => void>
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
   */
  async *frames(container: Container, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    if (signal.aborted) return
    let latest: ContainerStats | undefined
    let ended = false
    let wake = (): void => {}
    const listen = (frame: ContainerStats | undefined): void => {
      if (frame === undefined) ended = true
      else latest = frame
      wake()
    }
    const abort = (): void => listen(undefined)
    signal.addEventListener('abort', abort, { once: true })
    const watch = this.#join(container, listen)
    try {
      while (!ended) {
        const frame = latest
        latest = undefined
        if (frame !== undefined) {
          yield frame
          continue
        }
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', abort)
      this.#leave(watch, listen)
    }
  }

  #join(container: Container, listen: (frame: ContainerStats | undefined) => void): Watch {
    let watch = this.#watches.get(container.id)
    if (watch === undefined) {
      const sample = readSample(container)
      watch = { container, listeners: new Set(), timer: undefined, sample, frame: statsFrame(container, sample, undefined) }
      this.#watches.set(container.id, watch)
      this.#schedule(watch)
    }
    watch.listeners.add(listen)
    listen(watch.frame)
    return watch
  }

  #leave(watch: Watch, listen: (frame: ContainerStats | undefined) => void): void {
    watch.listeners.delete(listen)
    if (watch.listeners.size === 0) this.#forget(watch)
  }

  #forget(watch: Watch): void {
    clearTimeout(watch.timer)
    if (this.#watches.get(watch.container.id) === watch) this.#watches.delete(watch.container.id)
  }

  #schedule(watch: Watch): void {
    watch.timer = setTimeout(() => this.#read(watch), intervalMilliseconds)
  }

  #read(watch: Watch): void {
    const { container, sample: previous } = watch
    if (container.removed) {
      this.#forget(watch)
      for (const listen of watch.listeners) listen(undefined)
      return
    }
    watch.sample = readSample(container)
    watch.frame = statsFrame(container, watch.sample, previous)
    for (const listen of watch.listeners) listen(watch.frame)
    this.#schedule(watch)
  }
}

/** undefined when the container does not run. */
export function readSample(container: Container): Sample | undefined {
  const { task, state } = container
  if (task === undefined || !state.Running || state.Restarting) return undefined
  return { read: now(), usage: task.usage(), host: hostUsage(), networks: networkStats(task.pid) }
}
