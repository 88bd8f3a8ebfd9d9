const slots = 8
const slotSize = 256 << 10

/** What a job's two threads share: bytes, and two counters. */
export interface RingMemory {
  bytes: SharedArrayBuffer
  counters: SharedArrayBuffer
}

/** Positions in the counters: slots that the reader has given back, and whether it wants no more. */
const released = 0
const stopped = 1

export function makeRing(): RingMemory {
  return { bytes: new SharedArrayBuffer(slots * slotSize), counters: new SharedArrayBuffer(8) }
}

/** The thread that fills. It sleeps while all slots are with the reader. */
export class RingWriter {
  readonly #slots: Buffer[]
  readonly #counters: Int32Array
  #filled = 0

  constructor({ bytes, counters }: RingMemory) {
    this.#slots = Array.from({ length: slots }, (_, at) => Buffer.from(bytes, at * slotSize, slotSize))
    this.#counters = new Int32Array(counters)
  }

  /** @returns the slot to fill next; undefined when the reader has left */
  next(): Buffer | undefined {
    for (;;) {
      if (Atomics.load(this.#counters, stopped) !== 0) return undefined
      const given = Atomics.load(this.#counters, released)
      if (this.#filled - given < slots) return this.#slots[this.#filled % slots]
      Atomics.wait(this.#counters, released, given)
    }
  }

  filled(): void {
    this.#filled++
  }
}

/** The thread that reads, which must not sleep: it is told of filled slots by messages. */
export class RingReader {
  readonly #bytes: SharedArrayBuffer
  readonly #counters: Int32Array
  #taken = 0

  /** Begins anew; nobody may be filling. */
  constructor({ bytes, counters }: RingMemory) {
    this.#bytes = bytes
    this.#counters = new Int32Array(counters).fill(0)
  }

  /** The next filled slot, which holds `length` bytes. */
  take(length: number): Buffer {
    return Buffer.from(this.#bytes, (this.#taken++ % slots) * slotSize, length)
  }

  release(): void {
    Atomics.add(this.#counters, released, 1)
    Atomics.notify(this.#counters, released)
  }

  stop(): void {
    Atomics.store(this.#counters, stopped, 1)
    // A sleeper waits on the other counter, and for it to change.
    this.release()
  }
}
