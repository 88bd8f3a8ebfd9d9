import type { FileHandle } from 'node:fs/promises'
import type { LogRules } from '../../shim/log-rules.ts'
import { framesEnd } from './local-entry.ts'

const newline = 0x0a
const chunkSize = 256 * 1024

/** Whole records of a growing file; an unfinished last one waits for its end. */
export class RecordReader {
  readonly #file: FileHandle
  readonly #whole: (buffer: Buffer, filled: number) => number
  #position: number
  #buffer = Buffer.allocUnsafe(chunkSize)
  #held = 0

  constructor(file: FileHandle, { format, position }: { format: LogRules['format']; position: number }) {
    this.#file = file
    this.#whole = format === 'local' ? framesEnd : (buffer, filled) => buffer.lastIndexOf(newline, filled - 1) + 1
    this.#position = position
  }

  /** Up to the present end of the file. `offset` is where buffer[end] is in it. The buffer is overwritten by the next step. */
  async *available(): AsyncGenerator<{ buffer: Buffer; end: number; offset: number }> {
    for (;;) {
      if (this.#held === this.#buffer.length) this.#grow()
      const room = this.#buffer.length - this.#held
      const { bytesRead } = await this.#file.read(this.#buffer, this.#held, room, this.#position)
      if (bytesRead === 0) return
      this.#position += bytesRead
      const filled = this.#held + bytesRead
      const end = this.#whole(this.#buffer, filled)
      if (end > 0) yield { buffer: this.#buffer, end, offset: this.#position - (filled - end) }
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
