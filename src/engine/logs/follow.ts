import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Tells when a log has grown, by inotify: its newest file, or that there is another one. `ended` settles when nobody will write any more.
 * `next` resolves true after a change and false once there is nothing more to wait for.
 */
export class GrowthWatch {
  readonly #close: () => void
  readonly #timer: NodeJS.Timeout | undefined
  #changed = false
  #over = false
  #wake: (() => void) | undefined

  constructor(path: string, options: { ended: Promise<unknown>; until?: bigint }) {
    const name = basename(path)
    const watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
      if (changed !== null && changed !== name) return
      this.#changed = true
      this.#wake?.()
    })
    watcher.on('error', () => this.stop())
    this.#close = () => watcher.close()
    options.ended.then(
      () => this.stop(),
      () => this.stop(),
    )
    if (options.until !== undefined) {
      this.#timer = setTimeout(() => this.stop(), Math.min(Math.max(0, Number(options.until / 1_000_000n) - Date.now()), 0x7fffffff))
    }
  }

  /** @returns whether to read on; after false one last read finds the rest */
  async next(): Promise<boolean> {
    while (!this.#changed && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#changed = false
    return !this.#over
  }

  stop(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#close()
    this.#wake?.()
  }
}
