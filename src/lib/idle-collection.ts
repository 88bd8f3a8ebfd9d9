/** From so many bytes on a message is worth it. */
const large = 256 << 10
/** Milliseconds: whoever sends one large message may send more. */
const pause = 1000

let waiting: NodeJS.Timeout | undefined

/**
 * To be called with the size of a JSON text that was read or written. A large one leaves ten times its size in small objects, and V8 keeps the
 * pages that it got for them, in a process that does nothing afterwards. A second later it is asked to give them back.
 * Without `--expose-gc`, which the daemon is started with, nothing happens.
 */
export function collectWhenIdle(size: number): void {
  if (size < large || waiting !== undefined) return
  waiting = setTimeout(() => {
    waiting = undefined
    void globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' })
  }, pause).unref()
}
