/** Lets at most so many run at a time as `limit` says when one begins or ends; the others wait in line. */
export class Slots {
  readonly #limit: () => number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: number | (() => number)) {
    this.#limit = typeof limit === 'number' ? () => limit : limit
  }

  get isFull(): boolean {
    return this.#running >= this.#limit()
  }

  async run<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await act()
    } finally {
      this.#running--
      while (!this.isFull && this.#waiting.length > 0) {
        this.#running++
        this.#waiting.shift()?.()
      }
    }
  }
}
