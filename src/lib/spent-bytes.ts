/** Bytes after which it is worth a millisecond to look for what is garbage. */
const enough = 8 << 20

let bytes = 0

/**
 * To be called for pieces of streams that were used up. V8 sees a small object for each and puts off collecting them, until
 * a hundred MiB of network buffers lie about; a look at the young ones, which is quick, gives their memory to the next.
 * Without `--expose-gc`, which the daemon is started with, nothing happens.
 */
export function spent(count: number): void {
  bytes += count
  if (bytes < enough) return
  bytes = 0
  globalThis.gc?.({ type: 'minor', execution: 'sync' })
}
