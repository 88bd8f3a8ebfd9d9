import { Duplex } from 'node:stream'
import { DetachScanner } from './detach-keys.ts'

/**
 * The client's end of an attach. It exists before the process does: input waits until `connect`, output begins with
 * whatever was pushed before. It ends when the connected stream ends, when the user typed the detach keys, or by `finish`.
 *
 * Back-pressure holds in both directions. Destroying it drops the connection; the process goes on.
 */
export class SessionStream extends Duplex {
  readonly #scanner: DetachScanner | undefined
  readonly #onDetach: () => void
  readonly #stdin: boolean
  #peer: Duplex | undefined
  #paused = false
  #ended = false
  #held = false
  #isOver = false
  #blocked: (() => void) | undefined

  constructor(options: { stdin: boolean; detachKeys?: readonly number[]; onDetach?: () => void }) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024 })
    this.#scanner = options.detachKeys === undefined ? undefined : new DetachScanner(options.detachKeys)
    this.#stdin = options.stdin
    this.#onDetach = options.onDetach ?? (() => undefined)
  }

  get connected(): boolean {
    return this.#peer !== undefined
  }

  /** Joins it to the process's stdio. A session that is over already drops `peer`. */
  connect(peer: Duplex): void {
    if (this.destroyed || this.#ended) {
      peer.destroy()
      return
    }
    this.#peer = peer
    peer.on('data', (chunk: Buffer) => this.#receive(chunk))
    peer.once('end', () => this.finish())
    peer.once('error', () => this.finish())
    peer.once('close', () => this.finish())
    if (this.#paused) peer.pause()
    this.#unblock()
  }

  /** Keeps the output open, whatever the connected stream does, for words that may have to follow it. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    if (this.#isOver) this.finish()
  }

  /** Ends the output: nothing more will come. */
  finish(): void {
    this.#isOver = true
    if (this.#ended || this.#held) return
    this.#ended = true
    this.push(null)
    this.#unblock()
  }

  #receive(chunk: Buffer): void {
    if (this.#ended || this.push(chunk)) return
    this.#paused = true
    this.#peer?.pause()
  }

  override _read(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#peer?.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#stdin) this.#onceConnected(() => this.#forward(chunk, done))
    else done()
  }

  #forward(chunk: Buffer, done: () => void): void {
    const peer = this.#peer
    const { forward, detached } = this.#scanner?.scan(chunk) ?? { forward: chunk, detached: false }
    if (detached) this.#detach(forward)
    else if (peer === undefined || this.#ended || peer.writableEnded || peer.destroyed || forward.length === 0) done()
    else if (peer.write(forward)) done()
    else this.#afterDrain(peer, done)
    if (detached) done()
  }

  /** A process that goes away never drains. */
  #afterDrain(peer: Duplex, done: () => void): void {
    const settle = (): void => {
      peer.off('drain', settle)
      peer.off('close', settle)
      done()
    }
    peer.once('drain', settle)
    peer.once('close', settle)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#stdin) this.#onceConnected(() => this.#endInput(done))
    else done()
  }

  #endInput(done: () => void): void {
    const peer = this.#peer
    const held = this.#scanner?.rest()
    if (peer !== undefined && !peer.writableEnded && !peer.destroyed) {
      if (held !== undefined && held.length > 0) peer.write(held)
      peer.end()
    }
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#ended = true
    this.#unblock()
    this.#peer?.destroy()
    done(error)
  }

  #detach(forward: Uint8Array): void {
    const peer = this.#peer
    if (peer !== undefined && !peer.destroyed) {
      if (forward.length > 0) peer.write(forward, () => peer.destroy())
      else peer.destroy()
    }
    this.#onDetach()
    this.finish()
  }

  /** Node calls _write and _final one at a time, so that one waiting step is enough. */
  #onceConnected(step: () => void): void {
    if (this.#peer === undefined && !this.#ended) this.#blocked = step
    else step()
  }

  #unblock(): void {
    const blocked = this.#blocked
    this.#blocked = undefined
    blocked?.()
  }
}
