/** One at a time, in the order of asking. Between turns a guest may be there, who leaves before the next one. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()
  /** Called once, at the beginning of the next turn; it never rejects. */
  guest: (() => Promise<void>) | undefined

  async run<T>(work: () => Promise<T> | T): Promise<T> {
    return this.join(() => (this.guest === undefined ? work() : this.#afterGuest(work)))
  }

  /** A turn at which the guest stays. */
  async join<T>(work: () => Promise<T> | T): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #afterGuest<T>(work: () => Promise<T> | T): Promise<T> {
    const leave = this.guest
    this.guest = undefined
    await leave?.()
    return work()
  }
}
