export interface WaitResult {
  StatusCode: number
  Error?: { Message: string }
}

/** Those who wait for a container's exit or removal. Each is told once. */
export class Waiters {
  #exit = new Set<(result: WaitResult) => void>()
  #removal = new Set<(result: WaitResult) => void>()

  /** Rejects with the reason of `signal` when that aborts. */
  nextExit(signal?: AbortSignal): Promise<WaitResult> {
    return this.#join(() => this.#exit, signal)
  }

  /** Rejects with the reason of `signal` when that aborts. */
  removal(signal?: AbortSignal): Promise<WaitResult> {
    return this.#join(() => this.#removal, signal)
  }

  /** How many wait, for exit or removal. */
  get size(): number {
    return this.#exit.size + this.#removal.size
  }

  /** @returns false when `milliseconds` passed first; undefined: no limit */
  async exitWithin(milliseconds: number | undefined): Promise<boolean> {
    if (milliseconds === undefined) {
      await this.nextExit()
      return true
    }
    return new Promise((resolve) => {
      const told = (): void => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(() => {
        this.#exit.delete(told)
        resolve(false)
      }, milliseconds)
      this.#exit.add(told)
    })
  }

  #join(set: () => Set<(result: WaitResult) => void>, signal: AbortSignal | undefined): Promise<WaitResult> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    return new Promise((resolve, reject) => {
      const told = (result: WaitResult): void => {
        signal?.removeEventListener('abort', abandon)
        resolve(result)
      }
      const abandon = (): void => {
        set().delete(told)
        reject(signal?.reason as Error)
      }
      signal?.addEventListener('abort', abandon, { once: true })
      set().add(told)
    })
  }

  tellExit(result: WaitResult): void {
    const told = this.#exit
    this.#exit = new Set()
    for (const resolve of told) resolve(result)
  }

  tellRemoval(result: WaitResult): void {
    this.tellExit(result)
    const told = this.#removal
    this.#removal = new Set()
    for (const resolve of told) resolve(result)
  }
}
