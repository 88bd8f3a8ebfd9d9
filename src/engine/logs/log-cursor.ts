import type { FileHandle } from 'node:fs/promises'
import type { LogRules } from '../../shim/log-rules.ts'
import { newestId, openGenerations, type Generation } from './generations.ts'
import { RecordReader } from './record-reader.ts'

/** A place in a log that holds while its files move on. */
export interface LogPosition {
  /** Of the file. */
  id: string
  offset: number
}

/** Whole records; `position` is behind them. */
export interface Records {
  buffer: Buffer
  end: number
  position: LogPosition
}

/** Files that move while they are looked for are looked for again before one of them counts as deleted. */
const triesToFind = 4

interface Current {
  generation: Generation
  reader: RecordReader
}

/** Reads a log through all its files, also those that are begun meanwhile. */
export class LogCursor {
  readonly #path: string
  readonly #format: LogRules['format']
  readonly #leave: ((file: FileHandle) => Promise<void>) | undefined
  #current: Current

  private constructor(options: OpenCursor, current: Current) {
    this.#path = options.path
    this.#format = options.format
    this.#leave = options.leave
    this.#current = current
  }

  /** @returns undefined while there is no log */
  static async open(options: OpenCursor): Promise<LogCursor | undefined> {
    const generations = await openGenerations(options.path)
    if (generations.length === 0) return undefined
    try {
      const { generation, offset } = await options.begin(generations)
      const current = { generation, reader: new RecordReader(await generation.contents(), { format: options.format, position: offset }) }
      await closeAll(generations, generation)
      return new LogCursor(options, current)
    } catch (error) {
      await closeAll(generations)
      throw error
    }
  }

  /** Up to the present end of the log. */
  async *available(): AsyncGenerator<Records> {
    for (;;) {
      // Asked first: a file that is no longer the newest is complete.
      const newest = await newestId(this.#path)
      const { generation, reader } = this.#current
      for await (const { buffer, end, offset } of reader.available()) yield { buffer, end, position: { id: generation.id, offset } }
      if (newest === undefined || newest === generation.id || !(await this.#advance())) return
    }
  }

  async close(): Promise<void> {
    await this.#current.generation.close()
  }

  /** To the next file, or to the oldest when the present one has been deleted. */
  async #advance(): Promise<boolean> {
    const { generation } = this.#current
    let generations = await openGenerations(this.#path)
    const index = (): number => generations.findIndex(({ id }) => id === generation.id)
    for (let tries = 1; index() < 0 && tries < triesToFind; tries += 1) {
      await closeAll(generations)
      generations = await openGenerations(this.#path)
    }
    const next = generations[index() + 1]
    await closeAll(generations, next)
    if (next === undefined) return false
    await this.#leave?.(await generation.contents())
    await generation.close()
    this.#current = { generation: next, reader: new RecordReader(await next.contents(), { format: this.#format, position: 0 }) }
    return true
  }
}

export interface OpenCursor {
  path: string
  format: LogRules['format']
  /** Chooses where to begin, of the files that there are, the oldest first. */
  begin: (generations: readonly Generation[]) => Promise<{ generation: Generation; offset: number }>
  /** Called with a file that has been read to its end and will not grow. */
  leave?: (file: FileHandle) => Promise<void>
}

async function closeAll(generations: readonly Generation[], except?: Generation): Promise<void> {
  await Promise.all(generations.filter((generation) => generation !== except).map((generation) => generation.close()))
}
