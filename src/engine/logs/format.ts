import { stdcopyHeaderSize, writeStdcopyHeader } from '../attach/stdcopy.ts'
import type { OutputStream } from '../attach/stdcopy.ts'
import { decodeText, scanJsonLine } from './json-line.ts'
import { decodeEntry } from './local-entry.ts'
import { LogClock, fixedTimestamp, rfc3339Nano } from './log-time.ts'

export interface LogFormat {
  stdout: boolean
  stderr: boolean
  /** Raw bytes for a terminal, else stdcopy frames. */
  tty: boolean
  timestamps: boolean
  /** Put before every line, behind the timestamp. */
  details?: string
  /** Nanoseconds since the epoch. */
  since?: bigint
  until?: bigint
}

interface Line {
  stream: OutputStream
  time: string
}

const newline = 0x0a
const outputSize = 256 * 1024

/**
 * Turns the records of a log into what the logs endpoint sends. Feed it buffers of whole records in order.
 * A record whose predecessor on the same stream had no newline continues that line and gets no prefix.
 */
export class LogFormatter {
  readonly #format: LogFormat
  readonly #clock = new LogClock()
  readonly #midLine = { stdout: false, stderr: false }
  #output = Buffer.allocUnsafe(outputSize)
  #length = 0
  #chunks: Buffer[] = []
  #done = false

  constructor(format: LogFormat) {
    this.#format = format
  }

  /** A record later than `until` was seen: nothing after it is wanted. */
  get done(): boolean {
    return this.#done
  }

  /** @returns the output of all lines in source[0, end), in pieces */
  format(source: Buffer, end: number): Buffer[] {
    let start = 0
    while (start < end && !this.#done) {
      const lineEnd = source.indexOf(newline, start)
      this.#line(source, start, lineEnd)
      start = lineEnd + 1
    }
    this.#flush()
    const chunks = this.#chunks
    this.#chunks = []
    return chunks
  }

  /** The same for the frames of a local log. */
  formatFrames(source: Buffer, end: number): Buffer[] {
    for (let at = 0; at < end && !this.#done; ) {
      const entry = decodeEntry(source, at)
      at = entry.next
      const { stream, lineStart, lineEnd, partial } = entry
      const head = this.#begin({ stream, time: this.#needsTime() ? rfc3339Nano(entry.time) : '' }, lineEnd - lineStart + 1)
      if (head === undefined) continue
      let out = this.#length + source.copy(this.#output, this.#length, lineStart, lineEnd)
      if (partial === undefined || partial.last) {
        this.#output[out] = newline
        out += 1
      }
      this.#finish(stream, head, out)
    }
    this.#flush()
    const chunks = this.#chunks
    this.#chunks = []
    return chunks
  }

  #line(source: Buffer, start: number, end: number): void {
    const line = scanJsonLine(source, start, end)
    if (line === undefined) {
      this.#parsed(source, start, end)
      return
    }
    const time = this.#needsTime() ? source.toString('latin1', line.timeStart, line.timeEnd) : ''
    const head = this.#begin({ stream: line.stream, time }, line.textEnd - line.textStart)
    if (head === undefined) return
    const textAt = this.#length
    const textEnd = decodeText(source, { start: line.textStart, end: line.textEnd }, this.#output, textAt)
    if (textEnd < 0) {
      this.#length = head
      this.#parsed(source, start, end)
      return
    }
    this.#finish(line.stream, head, textEnd)
  }

  /** Any spelling of a record that is JSON; what is none (torn by a power cut) is left out. */
  #parsed(source: Buffer, start: number, end: number): void {
    const record = parseRecord(source.toString('utf8', start, end))
    if (record === undefined) return
    const text = Buffer.from(record.log)
    const head = this.#begin(record, text.length)
    if (head === undefined) return
    text.copy(this.#output, this.#length)
    this.#finish(record.stream, head, this.#length + text.length)
  }

  #needsTime(): boolean {
    return this.#format.timestamps || this.#format.since !== undefined || this.#format.until !== undefined
  }

  /** Makes room and writes what stands before the text. @returns where the frame begins, undefined for a record not wanted */
  #begin(line: Line, textSize: number): number | undefined {
    const { since, until, timestamps, details, tty } = this.#format
    if (!this.#format[line.stream]) return undefined
    if (since !== undefined || until !== undefined) {
      const at = this.#clock.parse(line.time)
      if (since !== undefined && at !== undefined && at < since) return undefined
      if (until !== undefined && at !== undefined && at > until) {
        this.#done = true
        return undefined
      }
    }
    let prefix = ''
    if (!this.#midLine[line.stream]) {
      if (timestamps) prefix += `${fixedTimestamp(line.time)} `
      if (details !== undefined) prefix += `${details} `
    }
    this.#reserve(stdcopyHeaderSize + prefix.length * 3 + textSize)
    const head = this.#length
    if (!tty) this.#length += stdcopyHeaderSize
    if (prefix !== '') this.#length += this.#output.write(prefix, this.#length)
    return head
  }

  #finish(stream: OutputStream, head: number, end: number): void {
    if (!this.#format.tty) writeStdcopyHeader(this.#output, head, stream, end - head - stdcopyHeaderSize)
    this.#midLine[stream] = end > head && this.#output[end - 1] !== newline
    this.#length = end
  }

  #reserve(size: number): void {
    if (this.#output.length - this.#length >= size) return
    this.#flush()
    if (this.#output.length < size) this.#output = Buffer.allocUnsafe(size)
  }

  #flush(): void {
    if (this.#length === 0) return
    this.#chunks.push(this.#output.subarray(0, this.#length))
    this.#output = Buffer.allocUnsafe(outputSize)
    this.#length = 0
  }
}

function parseRecord(text: string): (Line & { log: string }) | undefined {
  try {
    const record = JSON.parse(text) as { log?: unknown; stream?: unknown; time?: unknown } | null
    if (record === null || typeof record.log !== 'string') return undefined
    return {
      log: record.log,
      stream: record.stream === 'stderr' ? 'stderr' : 'stdout',
      time: typeof record.time === 'string' ? record.time : '',
    }
  } catch {
    return undefined
  }
}
