import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from '../kernel/daemon-process.ts'
import { errnoText } from '../kernel/errno.ts'
import { constants } from 'node:os'
import type { Command, Reply } from '../proxy/control-protocol.ts'
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
  readonly #program: readonly [string, ...string[]]
  readonly #folder: string
  readonly #rules = new Map<string, HeldRule>()
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>()
  #connection: Promise<Socket> | undefined
  #lastId = 0
  #left = false
  #revival: Promise<void> = Promise.resolve()
  #retirement: NodeJS.Timeout | undefined

  constructor(options: { program: readonly [string, ...string[]]; runtimeDir: string }) {
    this.#program = options.program
    this.#folder = options.runtimeDir
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  async open(rules: readonly HeldRule[]): Promise<OpenFailure | undefined> {
    if (rules.length === 0) return undefined
    clearTimeout(this.#retirement)
    const { failure } = await this.#ask({ op: 'open', rules: [...rules] })
    if (failure !== undefined) {
      const errno = (constants.errno as Record<string, number>)[failure.code]
      return { ...failure, text: errno === undefined ? failure.text : errnoText(errno) }
    }
    for (const rule of rules) this.#rules.set(ruleKey(rule), rule)
    return undefined
  }

  async close(rules: readonly HeldRule[]): Promise<void> {
    for (const rule of rules) this.#rules.delete(ruleKey(rule))
    if (rules.length === 0 || (this.#connection === undefined && !(await this.#runs()))) return
    await this.#ask({ op: 'close', rules: [...rules] })
    if (this.#rules.size === 0) this.#retireLater()
  }

  async reconcile(rules: readonly HeldRule[]): Promise<HeldRule[]> {
    const running = await this.#runs()
    if (!running && rules.length === 0) return []
    const open = (await this.#ask({ op: 'list' })).rules ?? []
    const wanted = new Map(rules.map((rule) => [ruleKey(rule), rule]))
    const stale = open.filter((rule) => {
      const twin = wanted.get(ruleKey(rule))
      return twin?.containerIp !== rule.containerIp || twin.containerPort !== rule.containerPort
    })
    if (stale.length > 0) await this.#ask({ op: 'close', rules: stale })
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
    if (this.#rules.size === 0) await this.#retire()
    const socket = await this.#connection?.catch(() => undefined)
    if (socket === undefined || socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.destroy()
    })
  }

  get #socketPath(): string {
    return path.join(this.#folder, 'proxy.sock')
  }

  /** Whether one runs already, of an earlier life of ours; takes it over. */
  async #runs(): Promise<boolean> {
    if (this.#connection !== undefined) return true
    try {
      const socket = await this.#connect()
      this.#connection = Promise.resolve(socket)
      return true
    } catch {
      return false
    }
  }

  /** Not at once: a start of it costs more than the whole rest of a short container. */
  #retireLater(): void {
    clearTimeout(this.#retirement)
    this.#retirement = setTimeout(() => void this.#retire(), linger).unref()
  }

  /** It ends itself; the next rule starts another. */
  async #retire(): Promise<void> {
    const socket = await this.#connection
    if (socket === undefined) return
    const gone = new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
    })
    const kept = new AbortController()
    await this.#ask({ op: 'retire' }).catch(() => undefined)
    // A rule that arrives meanwhile keeps it alive.
    if (this.#rules.size === 0) await Promise.race([gone, sleep(1000, undefined, { signal: kept.signal }).catch(() => undefined)])
    kept.abort()
  }

  async #ask(command: Unnumbered): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      try {
        const socket = await (this.#connection ??= this.#startAndConnect())
        const id = ++this.#lastId
        return await new Promise<Reply>((resolve, reject) => {
          if (socket.destroyed) {
            reject(new Error('gantry-proxy is gone'))
            return
          }
          this.#waiting.set(id, { resolve, reject })
          socket.ref()
          socket.write(`${JSON.stringify({ id, ...command })}\n`)
        })
      } catch (error) {
        this.#connection = undefined
        // It may have ended just when we asked.
        if (attempt >= 1 || command.op === 'retire') throw error
      }
    }
  }

  async #startAndConnect(): Promise<Socket> {
    try {
      return await this.#connect()
    } catch {
      const [program, ...rest] = this.#program
      const { report } = await startDaemon({
        argv: [program, ...rest, '-control', this.#socketPath],
        pidfile: path.join(this.#folder, 'proxy.pid'),
        logfile: path.join(this.#folder, 'proxy.log'),
      })
      if (!report.startsWith('0')) throw new Error(`cannot start gantry-proxy: ${report.replace(/^1\n/, '').trim() || 'it ended at once'}`)
      return this.#connect()
    }
  }

  #connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#socketPath)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        socket.on('error', () => {})
        socket.unref()
        this.#listen(socket)
        resolve(socket)
      })
    })
  }

  #listen(socket: Socket): void {
    // readline passes on what goes wrong with its input; "close" follows.
    createInterface({ input: socket }).on('error', () => {}).on('line', (line) => {
      const reply = JSON.parse(line) as Reply
      this.#waiting.get(reply.id)?.resolve(reply)
      this.#waiting.delete(reply.id)
      if (this.#waiting.size === 0) socket.unref()
    })
    socket.once('close', () => {
      this.#connection = undefined
      for (const { reject } of this.#waiting.values()) reject(new Error('gantry-proxy ended'))
      this.#waiting.clear()
      if (!this.#left && this.#rules.size > 0) this.#revival = this.#revive()
    })
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
