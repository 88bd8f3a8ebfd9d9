import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { errnoText } from '../kernel/errno.ts'
import type { Command, Reply } from '../proxy/control-protocol.ts'
import { ControlClient } from './control-client.ts'
import type { OpenFailure, PortHolder, HeldRule } from './port-holder.ts'
import { ruleKey } from './port-holder.ts'

/** How long it stays without a rule, in ms. */
const linger = 10_000

type Unnumbered = Command extends infer Each ? (Each extends Command ? Omit<Each, 'id'> : never) : never

/**
 * The one gantry-proxy of this engine: started with the first rule, left running when we go, found again when we come
 * back, started anew when it dies.
 */
export class ProxyHolder implements PortHolder {
  readonly carriesIPv6 = true
  readonly #client: ControlClient<Unnumbered, Reply>
  readonly #rules = new Map<string, HeldRule>()
  #left = false
  #revival: Promise<void> = Promise.resolve()
  #retirement: NodeJS.Timeout | undefined

  constructor({ program, runtimeDir }: { program: readonly [string, ...string[]]; runtimeDir: string }) {
    this.#client = new ControlClient({
      name: 'gantry-proxy',
      argv: (socketPath) => [...program, '-control', socketPath],
      folder: runtimeDir,
      file: 'proxy',
      onLost: () => {
        if (!this.#left && this.#rules.size > 0) this.#revival = this.#revive()
      },
    })
  }

  async open(rules: readonly HeldRule[]): Promise<OpenFailure | undefined> {
    if (rules.length === 0) return undefined
    clearTimeout(this.#retirement)
    const { failure } = await this.#client.ask({ op: 'open', rules: [...rules] })
    if (failure !== undefined) {
      const errno = (constants.errno as Record<string, number>)[failure.code]
      return { ...failure, text: errno === undefined ? failure.text : errnoText(errno) }
    }
    for (const rule of rules) this.#rules.set(ruleKey(rule), rule)
    return undefined
  }

  async close(rules: readonly HeldRule[]): Promise<void> {
    for (const rule of rules) this.#rules.delete(ruleKey(rule))
    if (rules.length === 0 || (await this.#client.askRunning({ op: 'close', rules: [...rules] })) === undefined) return
    if (this.#rules.size === 0) this.#retireLater()
  }

  async reconcile(rules: readonly HeldRule[]): Promise<HeldRule[]> {
    const running = await this.#client.askRunning({ op: 'list' })
    if (running === undefined && rules.length === 0) return []
    const open = running?.rules ?? []
    const wanted = new Map(rules.map((rule) => [ruleKey(rule), rule]))
    const stale = open.filter((rule) => {
      const twin = wanted.get(ruleKey(rule))
      return twin?.containerIp !== rule.containerIp || twin.containerPort !== rule.containerPort
    })
    if (stale.length > 0) await this.#client.ask({ op: 'close', rules: stale })
    const failed: HeldRule[] = []
    if ((await this.open(rules)) !== undefined) {
      for (const rule of rules) if ((await this.open([rule])) !== undefined) failed.push(rule)
    }
    if (this.#rules.size === 0) this.#retireLater()
    return failed
  }

  async leave(): Promise<void> {
    this.#left = true
    clearTimeout(this.#retirement)
    await this.#revival
    if (this.#rules.size === 0) await this.#client.end({ op: 'retire' })
    await this.#client.leave()
  }

  /** Not at once: a start of it costs more than the whole rest of a short container. */
  #retireLater(): void {
    clearTimeout(this.#retirement)
    this.#retirement = setTimeout(() => {
      if (this.#rules.size === 0) void this.#client.end({ op: 'retire' })
    }, linger).unref()
  }

  /** Somebody killed it: all rules again, as soon as that is possible. */
  async #revive(): Promise<void> {
    for (let pause = 10; !this.#left && this.#rules.size > 0; pause = Math.min(pause * 2, 5000)) {
      try {
        if ((await this.open([...this.#rules.values()])) === undefined) return
      } catch {
        // The next round tries again.
      }
      await sleep(pause, undefined, { ref: false })
    }
  }
}
