import { getHeapStatistics } from 'node:v8'

/** Bytes after which it is worth a millisecond to look for what is garbage. */
const enough = 8 << 20
/** Bytes of buffers after which it is worth some twenty milliseconds: those that were still in use at two looks have become old. */
const tooMany = 24 << 20

let bytes = 0

/**
 * To be called for pieces of streams that were used up. V8 sees a small object for each and puts off collecting them, until
 * a hundred MiB of network buffers lie about; a look at the young ones, which is quick, gives their memory to the next.
 * Without `--expose-gc`, which the daemon is started with, nothing happens.
 */
export function spent(count: number): void {
  bytes += count
  if (bytes < enough || globalThis.gc === undefined) return
  bytes = 0
  globalThis.gc({ type: 'minor', execution: 'sync' })
  if (getHeapStatistics().external_memory > tooMany) globalThis.gc({ type: 'major', execution: 'sync' })
}
