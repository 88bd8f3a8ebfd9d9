import { setTimeout as sleep } from 'node:timers/promises'
import type { StatsOfAll } from './stats-of-all.ts'

const intervalMilliseconds = 1000
/** To the first reading that can be compared with another. */
const shortMilliseconds = 250

/** One reader for however many listeners: it reads once a second while somebody listens, and a slow listener misses readings. */
export class StatsOfAllStream {
  readonly #read: () => StatsOfAll
  readonly #listeners = new Set<(reading: StatsOfAll) => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(read: () => StatsOfAll) {
    this.#read = read
  }

  /** Readings from now on, the first very soon, until `signal` aborts. */
  async *readings(signal: AbortSignal): AsyncGenerator<StatsOfAll> {
    if (signal.aborted) return
    let latest: StatsOfAll | undefined
    let wake: (() => void) | undefined
    const hear = (reading: StatsOfAll): void => {
      latest = reading
      wake?.()
    }
    const end = (): void => wake?.()
    signal.addEventListener('abort', end, { once: true })
    this.#read()
    try {
      await sleep(shortMilliseconds, undefined, { signal })
      latest = this.#read()
      this.#join(hear)
      while (!signal.aborted) {
        const reading = latest
        latest = undefined
        if (reading !== undefined) yield reading
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', end)
      this.#leave(hear)
    }
  }

  #join(hear: (reading: StatsOfAll) => void): void {
    this.#listeners.add(hear)
    this.#timer ??= setInterval(() => {
      const reading = this.#read()
      for (const listener of this.#listeners) listener(reading)
    }, intervalMilliseconds)
  }

  #leave(hear: (reading: StatsOfAll) => void): void {
    this.#listeners.delete(hear)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
