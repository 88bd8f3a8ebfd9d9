import type { CliContext } from '../command.ts'
import { errorText } from '../exit-error.ts'
import { type ContainerStats, statsRow } from '../format/stats-row.ts'
import type { Row } from '../format/listing.ts'
import { jsonLines } from './json-lines.ts'

type Entry = {
  container: string
  stats: ContainerStats | undefined
  error: string | undefined
  ended: boolean
  /** Settles with the first frame, or when there will be none. */
  first: Promise<void>
}

/** The latest frame of each of some containers, as the engine sends them. */
export class StatsBoard {
  readonly #context: CliContext
  readonly #stream: boolean
  readonly #entries = new Map<string, Entry>()

  constructor(context: CliContext, options: { stream: boolean }) {
    this.#context = context
    this.#stream = options.stream
  }

  /** A container that is there already is left alone, unless its frames have ended. */
  add(container: string): void {
    if (this.#entries.get(container)?.ended === false) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const entry: Entry = { container, stats: undefined, error: undefined, ended: false, first: promise }
    this.#entries.set(container, entry)
    void this.#follow(entry, resolve)
  }

  remove(container: string): void {
    this.#entries.delete(container)
  }

  async firstFrames(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ first }) => first))
  }

  get errors(): string[] {
    return [...this.#entries.values()].flatMap(({ error }) => (error === undefined ? [] : [error]))
  }

  get size(): number {
    return this.#entries.size
  }

  /** No further frame will come. */
  get ended(): boolean {
    return [...this.#entries.values()].every(({ ended }) => ended)
  }

  rows(options: { truncate: boolean }): Row[] {
    return [...this.#entries.values()].map(({ container, stats }) => statsRow(container, stats, options))
  }

  async #follow(entry: Entry, first: () => void): Promise<void> {
    try {
      const response = await this.#context.client.open('GET', `/containers/${encodeURIComponent(entry.container)}/stats`, { query: { stream: this.#stream } })
      for await (const frame of jsonLines(response.body)) {
        entry.stats = frame as unknown as ContainerStats
        first()
      }
    } catch (error) {
      entry.error = errorText(error)
    } finally {
      entry.ended = true
      if (this.#stream) entry.stats = undefined
      first()
    }
  }
}
