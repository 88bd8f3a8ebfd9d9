import { setImmediate } from 'node:timers/promises'

/** Milliseconds. */
const turn = 15

/** Lets others have the thread now and then while there are many small acts to do, and looks whether they are still wanted. */
export class Pace {
  readonly #signal: AbortSignal | undefined
  #since = performance.now()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** To be called after each act. @throws the reason of the signal */
  async rest(): Promise<void> {
    if (performance.now() - this.#since < turn) return
    this.#signal?.throwIfAborted()
    await setImmediate()
    this.#since = performance.now()
  }
}
