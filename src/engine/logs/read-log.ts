import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { GrowthWatch } from './follow.ts'
import { LogFormatter } from './format.ts'
import type { LogFormat } from './format.ts'
import { tailOffset } from './tail.ts'

export interface ReadLog extends LogFormat {
  path: string
  /** Lines from the end; undefined: all. */
  tail?: number
  /** Follow the file until this settles; undefined: end at the end of the file. */
  followUntil?: Promise<unknown>
}

const newline = 0x0a
const chunkSize = 256 * 1024

/** A json-file log as the logs endpoint sends it. A missing file is an empty log. Reads no faster than it is read. */
export function readLog(options: ReadLog): Readable {
  const abort = new AbortController()
  const stream = Readable.from(produce(options, abort.signal), { objectMode: false, highWaterMark: chunkSize })
  stream.once('close', () => abort.abort())
  return stream
}

async function* produce(options: ReadLog, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = await openLog(options.path)
  if (file === undefined) return
  const watch =
    options.followUntil === undefined || signal.aborted ? undefined : new GrowthWatch(options.path, { ended: options.followUntil, until: options.until })
  const stop = (): void => watch?.stop()
  signal.addEventListener('abort', stop)
  try {
    const formatter = new LogFormatter(options)
    const lines = new LineReader(file, await firstOffset(file, options.tail))
    for (;;) {
      const goesOn = watch === undefined ? false : await nextAfter(lines, watch)
      for await (const { buffer, end } of lines.available()) {
        yield* formatter.format(buffer, end)
        if (formatter.done) return
      }
      if (!goesOn || signal.aborted) return
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await file.close()
  }
}

/** The first read of a followed log does not wait for a change. */
async function nextAfter(lines: LineReader, watch: GrowthWatch): Promise<boolean> {
  return lines.fresh ? true : watch.next()
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function firstOffset(file: FileHandle, tail: number | undefined): Promise<number> {
  if (tail === undefined) return 0
  const { size } = await file.stat()
  return tailOffset(file, size, tail)
}

/** Whole lines of a growing file; an unfinished last line waits for its end. */
class LineReader {
  readonly #file: FileHandle
  #position: number
  #buffer = Buffer.allocUnsafe(chunkSize)
  #held = 0
  fresh = true

  constructor(file: FileHandle, position: number) {
    this.#file = file
    this.#position = position
  }

  /** Up to the present end of the file. The buffer is overwritten by the next step. */
  async *available(): AsyncGenerator<{ buffer: Buffer; end: number }> {
    this.fresh = false
    for (;;) {
      if (this.#held === this.#buffer.length) this.#grow()
      const room = this.#buffer.length - this.#held
      const { bytesRead } = await this.#file.read(this.#buffer, this.#held, room, this.#position)
      if (bytesRead === 0) return
      this.#position += bytesRead
      const filled = this.#held + bytesRead
      const end = this.#buffer.lastIndexOf(newline, filled - 1) + 1
      if (end > 0) yield { buffer: this.#buffer, end }
      this.#buffer.copyWithin(0, end, filled)
      this.#held = filled - end
    }
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#buffer.length * 2)
    this.#buffer.copy(larger, 0, 0, this.#held)
    this.#buffer = larger
  }
}
