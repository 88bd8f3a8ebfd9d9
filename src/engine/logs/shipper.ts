import { setTimeout as sleep } from 'node:timers/promises'
import type { Kernel } from '../../kernel/kernel.ts'
import { messageOf } from '../../lib/errors.ts'
import { SendFailure } from '../../logging/contract.ts'
import type { LogMessage, LogSender, LogSource, RemoteDriver } from '../../logging/contract.ts'
import { Backlog } from './backlog.ts'
import { GrowthWatch } from './follow.ts'
import type { Generation } from './generations.ts'
import { decodeEntry } from './local-entry.ts'
import { LogCursor, type Records } from './log-cursor.ts'
import { SentPosition, readPosition } from './sent-position.ts'

export interface ShipLog {
  kernel: Pick<Kernel, 'syscall'>
  driver: RemoteDriver
  source: LogSource
  path: string
  /** File of the position. */
  positionPath: string
  /** Already connected; else it connects when there is something to send. */
  sender?: LogSender
  /** Settles when nobody will write any more. */
  ended: Promise<unknown>
  log: (line: string) => void
}

/** Messages given to a sender at once. */
const batchSize = 512
/** What the monitor looks for: see `hold` in src/shim/log-rules.ts. */
const sentMode = 0o440
const longestWait = 30_000

/**
 * Sends the lines of one container, from the file that its monitor writes, in order and from where an earlier shipper stopped.
 * Lines that cannot be sent stay where they are and are tried again.
 */
export class Shipper {
  /** Settles when all is sent and nobody will write any more, or after `stop`. Never rejects. */
  readonly finished: Promise<void>
  readonly #options: ShipLog
  readonly #abort = new AbortController()
  #sender: LogSender | undefined
  #failing = false
  readonly #backlog: Backlog

  constructor(options: ShipLog) {
    this.#options = options
    this.#sender = options.sender
    this.#backlog = new Backlog(options.driver.waiting?.(options.source.options) ?? Infinity)
    this.finished = this.#run().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) options.log(`cannot send the log of container ${options.source.id}: ${messageOf(error)}`)
    })
  }

  /** Nobody takes the lines at the moment. */
  get failing(): boolean {
    return this.#failing
  }

  stop(): void {
    this.#abort.abort()
  }

  async #run(): Promise<void> {
    const { path, positionPath, ended } = this.#options
    const { signal } = this.#abort
    const position = new SentPosition(positionPath)
    const watch = new GrowthWatch(path, { ended })
    signal.addEventListener('abort', () => watch.stop())
    const cursor = await this.#open()
    try {
      if (cursor === undefined) return
      for (let goesOn = true; ; goesOn = await watch.next()) {
        for await (const records of cursor.available()) {
          await this.#sendAll(records, position)
          if (signal.aborted) return
        }
        if (!goesOn || signal.aborted) return
      }
    } finally {
      watch.stop()
      await cursor?.close()
      position.close()
      this.#sender?.close()
    }
  }

  #open(): Promise<LogCursor | undefined> {
    const { path, positionPath } = this.#options
    return LogCursor.open({ path, format: 'local', begin: (generations) => this.#begin(generations, positionPath), leave: (file) => file.chmod(sentMode) })
  }

  async #begin(generations: readonly Generation[], positionPath: string): Promise<{ generation: Generation; offset: number }> {
    const last = readPosition(positionPath)
    const index = generations.findIndex(({ id }) => id === last?.id)
    if (last !== undefined && index < 0) this.#options.log(`log lines of container ${this.#options.source.id} were rotated away before they could be sent`)
    for (const generation of generations.slice(0, Math.max(0, index))) await (await generation.contents()).chmod(sentMode)
    return { generation: generations[Math.max(0, index)] as Generation, offset: index < 0 ? 0 : (last?.offset ?? 0) }
  }

  async #sendAll({ buffer, end, position }: Records, sent: SentPosition): Promise<void> {
    const start = position.offset - end
    for (let at = 0; at < end; ) {
      const batch: LogMessage[] = []
      const ends: number[] = []
      while (at < end && batch.length < batchSize) {
        const { stream, time, lineStart, lineEnd, partial, next } = decodeEntry(buffer, at)
        batch.push({ stream, time, line: buffer.subarray(lineStart, lineEnd), ...(partial && { partial }) })
        ends.push((at = next))
      }
      const taken = await this.#send(batch, (count) => sent.write({ id: position.id, offset: start + (ends[count - 1] as number) }))
      if (!taken) return
    }
  }

  /** Until all are taken, or given up. @returns whether to go on */
  async #send(batch: LogMessage[], mark: (taken: number) => void): Promise<boolean> {
    const { driver, source, log } = this.#options
    const { wait: firstWait, limit } = driver.retry?.(source.options) ?? { wait: 1000, limit: Number.POSITIVE_INFINITY }
    let taken = 0
    let unsure: Buffer = Buffer.alloc(0)
    let admitted: number[] = []
    for (let failures = 0; taken < batch.length; ) {
      try {
        this.#sender ??= await driver.open(source, this.#options.kernel)
        if (unsure.length > 0) await this.#sender.repeat?.(unsure)
        unsure = Buffer.alloc(0)
        this.#backlog.receiverIsThere()
        const rest = batch.slice(taken)
        admitted = this.#backlog.admitted(rest)
        await this.#sender.send(admitted.map((index) => rest[index] as LogMessage))
        if (admitted.length < rest.length) log(`dropped ${rest.length - admitted.length} log lines of container ${source.id}: more waited for ${driver.name} than may`)
        this.#backlog.passed(rest)
        taken = batch.length
        this.#failing = false
      } catch (error) {
        if (this.#abort.signal.aborted) return false
        if (error instanceof SendFailure) {
          const sent = error.taken === 0 ? 0 : (admitted[error.taken - 1] ?? error.taken - 1) + 1
          this.#backlog.passed(batch.slice(taken, taken + sent))
          taken += sent
          unsure = Buffer.concat([unsure, error.unsure])
        }
        this.#sender?.close()
        this.#sender = undefined
        if (taken > 0) mark(taken)
        failures += 1
        this.#failing = true
        this.#backlog.receiverIsAway()
        if (failures === 1) log(`cannot send the log of container ${source.id} by ${driver.name}: ${messageOf(error)}; trying again`)
        if (failures > limit) {
          log(`giving up ${batch.length - taken} log lines of container ${source.id} after ${failures} tries`)
          break
        }
        await sleep(Math.min(firstWait * 1.5 ** (failures - 1), longestWait), undefined, { signal: this.#abort.signal, ref: false }).catch(() => {})
        if (this.#abort.signal.aborted) return false
      }
    }
    mark(batch.length)
    return true
  }
}
