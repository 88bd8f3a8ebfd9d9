import { setTimeout as sleep } from 'node:timers/promises'
import { ControlClient } from '../control-client.ts'
import type { ResolverCommand, ResolverReply, ServedContainer } from './control-protocol.ts'

/** How long it stays without a container, in ms. */
const linger = 10_000

type Unnumbered = ResolverCommand extends infer Each ? (Each extends ResolverCommand ? Omit<Each, 'id'> : never) : never

export interface ResolverHolderOptions {
  program: readonly [string, ...string[]]
  /** `<exec-root>/network` */
  runtimeDir: string
  /** The folder of NetworkNames. */
  names: string
  log: (line: string) => void
}

/**
 * The one gantry-dns of this engine: started for the first container, left running when we go, found again when we come back,
 * started anew when it dies.
 */
export class ResolverHolder {
  readonly #client: ControlClient<Unnumbered, ResolverReply>
  readonly #log: (line: string) => void
  readonly #served = new Map<string, ServedContainer>()
  #retirement: NodeJS.Timeout | undefined
  #revival: Promise<void> | undefined
  #left = false

  constructor({ program, runtimeDir, names, log }: ResolverHolderOptions) {
    this.#log = log
    this.#client = new ControlClient({
      name: 'gantry-dns',
      argv: (socketPath) => [...program, socketPath, names],
      folder: runtimeDir,
      file: 'dns',
      onLost: () => this.#reviveLater(),
    })
  }

  /** Once this settles, programs in that namespace have an answer. Again for the same namespace: changes what is served. */
  async serve(container: ServedContainer): Promise<void> {
    clearTimeout(this.#retirement)
    this.#served.set(container.container, container)
    try {
      const { failure } = await this.#client.ask({ op: 'serve', container })
      if (failure === undefined) return
      this.#served.delete(container.container)
      throw new Error(`cannot resolve names for container ${container.container}: ${failure}`)
    } catch (error) {
      this.#reviveLater()
      throw error
    }
  }

  /** Its namespace is let go. */
  async drop(container: string): Promise<void> {
    if (!this.#served.delete(container)) return
    await this.#client.askRunning({ op: 'drop', containers: [container] })
    if (this.#served.size === 0) this.#retireLater()
  }

  /** After a restart: no others than these are served. */
  async retain(containers: ReadonlySet<string>): Promise<void> {
    const running = await this.#client.askRunning({ op: 'list' })
    if (running === undefined) return
    const stale = (running.containers ?? []).filter((container) => !containers.has(container))
    if (stale.length > 0) await this.#client.askRunning({ op: 'drop', containers: stale })
    if (containers.size === 0) this.#retireLater()
  }

  async leave(): Promise<void> {
    this.#left = true
    clearTimeout(this.#retirement)
    await this.#revival
    if (this.#served.size === 0) await this.#client.end({ op: 'retire' })
    await this.#client.leave()
  }

  /** Not at once: a start of it costs more than the whole rest of a short container. */
  #retireLater(): void {
    clearTimeout(this.#retirement)
    this.#retirement = setTimeout(() => {
      if (this.#served.size === 0) void this.#client.end({ op: 'retire' })
    }, linger).unref()
  }

  #reviveLater(): void {
    if (this.#served.size > 0 && !this.#left) this.#revival ??= this.#revive().finally(() => (this.#revival = undefined))
  }

  /** Somebody killed it, or it could not be started. */
  async #revive(): Promise<void> {
    for (let pause = 10; !this.#left && this.#served.size > 0; pause = Math.min(pause * 2, 5000)) {
      try {
        for (const container of this.#served.values()) {
          const { failure } = await this.#client.ask({ op: 'serve', container })
          if (failure !== undefined) this.#log(`cannot resolve names for container ${container.container}: ${failure}`)
        }
        return
      } catch {
        // The next round tries again.
      }
      await sleep(pause, undefined, { ref: false })
    }
  }
}
