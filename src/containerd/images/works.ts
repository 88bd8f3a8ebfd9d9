/**
 * Pulls, builds: what takes its time and must find the store at its end that it began with. Who exchanges the store waits until none is
 * under way, and those that come meanwhile wait for the new one.
 */
export class Works {
  #running = 0
  #gate: PromiseWithResolvers<void> | undefined
  #idle: PromiseWithResolvers<void> | undefined

  get running(): number {
    return this.#running
  }

  /** While others are under way nobody waits: a build pulls the images that it stands on. @returns what ends it; to be called once */
  async begin(): Promise<() => void> {
    while (this.#gate !== undefined && this.#running === 0) await this.#gate.promise
    this.#running += 1
    return () => {
      this.#running -= 1
      if (this.#running === 0) this.#idle?.resolve()
    }
  }

  /** Runs what must have the store for itself. One at a time. */
  async alone<Result>(act: () => Promise<Result>): Promise<Result> {
    this.#gate = Promise.withResolvers()
    try {
      while (this.#running > 0) {
        this.#idle = Promise.withResolvers()
        await this.#idle.promise
      }
      return await act()
    } finally {
      const gate = this.#gate
      this.#gate = undefined
      this.#idle = undefined
      gate.resolve()
    }
  }
}
