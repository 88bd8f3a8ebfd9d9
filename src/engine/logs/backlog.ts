import type { LogMessage } from '../../logging/contract.ts'

/**
 * Messages for a receiver that is away, of which only the first `limit` wait. The rest of those that came before it is back are
 * dropped, as when they had waited in a full buffer.
 */
export class Backlog {
  readonly #limit: number
  /** undefined: the receiver takes what comes. */
  #left: number | undefined
  /** When it was back, nanoseconds; undefined: it is still away. */
  #until: bigint | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  receiverIsAway(): void {
    this.#left ??= this.#limit
    this.#until = undefined
  }

  receiverIsThere(now = BigInt(Date.now()) * 1_000_000n): void {
    if (this.#left !== undefined) this.#until ??= now
  }

  /** Indexes of the messages to send. */
  admitted(messages: readonly LogMessage[]): number[] {
    let left = this.#left ?? Infinity
    return messages.flatMap((message, index) => (this.#hasWaited(message) && left-- <= 0 ? [] : [index]))
  }

  /** They have been sent or dropped. */
  passed(messages: readonly LogMessage[]): void {
    if (this.#left === undefined) return
    this.#left = Math.max(0, this.#left - messages.filter((message) => this.#hasWaited(message)).length)
    const last = messages.at(-1)
    if (last !== undefined && !this.#hasWaited(last)) this.#left = undefined
  }

  #hasWaited({ time }: LogMessage): boolean {
    return this.#left !== undefined && (this.#until === undefined || time <= this.#until)
  }
}
