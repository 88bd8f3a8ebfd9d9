import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { LogSender } from '../../logging/contract.ts'
import type { LogRules } from '../../shim/log-rules.ts'
import type { Container } from '../containers/container.ts'
import type { ContainerPaths } from '../containers/record-file.ts'
import { compressLog } from './compress.ts'
import { mendFrames } from './framed-size.ts'
import { logPlan, type LogPlan } from './log-plan.ts'
import { Shipper } from './shipper.ts'

export interface LogKeeperOptions {
  kernel: Pick<Kernel, 'syscall'>
  paths: (id: string) => ContainerPaths
  log: (line: string) => void
}

/** What belongs to a started container: sending its lines on and compressing its old files. */
interface Kept {
  plan: LogPlan
  shipper: Shipper | undefined
  ended: PromiseWithResolvers<void>
  compressing: Promise<void> | undefined
}

/** Milliseconds between two looks for files to compress. */
const compressEvery = 2000
/** Milliseconds that a container which goes away for good has to wait for the receiver of its last lines. */
const lastLines = 5000

/** Looks after the logs of containers that run, beside their monitors. */
export class LogKeeper {
  readonly #options: LogKeeperOptions
  readonly #kept = new Map<string, Kept>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LogKeeperOptions) {
    this.#options = options
  }

  /** For a container that is about to start. @throws GantryError as Docker words a log driver that cannot be initialised */
  async prepare(container: Container): Promise<{ logPath?: string; logRules?: LogRules; begin: () => void; undo: () => void }> {
    const paths = this.#options.paths(container.id)
    let sender: LogSender | undefined
    try {
      const plan = logPlan(container, paths)
      if (plan.path === undefined) return { begin: () => {}, undo: () => {} }
      if (plan.rules.format === 'local') {
        mkdirSync(dirname(plan.path), { recursive: true, mode: 0o700 })
        await mendFrames(plan.path)
      }
      const { remote } = plan
      if (remote !== undefined && remote.driver.connectsLater?.(remote.source.options) !== true) sender = await remote.driver.open(remote.source, this.#options.kernel)
      await this.forget(container.id)
      return { logPath: plan.path, logRules: plan.rules, begin: () => this.#keep(container, plan, sender), undo: () => sender?.close() }
    } catch (error) {
      const kind = error instanceof GantryError && error.kind === 'InvalidParameter' ? error.kind : 'System'
      throw new GantryError(kind, `failed to create task for container: failed to initialize logging driver: ${messageOf(error)}`, { cause: error })
    }
  }

  /** For a container that an earlier engine left, running or not. */
  recover(container: Container): void {
    try {
      const plan = logPlan(container, this.#options.paths(container.id))
      this.#keep(container, plan, undefined)
      if (container.task === undefined) this.ended(container)
    } catch (error) {
      this.#options.log(`cannot look after the log of container ${container.id}: ${messageOf(error)}`)
    }
  }

  /** Nobody writes any more; what there is is sent and compressed. */
  ended({ id }: Container): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    kept.ended.resolve()
    void Promise.all([kept.shipper?.finished, this.#compress(kept)]).then(() => this.#kept.get(id) === kept && this.#kept.delete(id))
  }

  /** Before its files are removed, or written by the next run. The last lines are waited for while somebody takes them. */
  async forget(id: string): Promise<void> {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    this.#kept.delete(id)
    kept.ended.resolve()
    const { shipper } = kept
    if (shipper !== undefined && !shipper.failing) await Promise.race([shipper.finished, sleep(lastLines, undefined, { ref: false })])
    shipper?.stop()
    await Promise.all([shipper?.finished, kept.compressing])
  }

  close(): void {
    clearInterval(this.#timer)
    for (const { shipper } of this.#kept.values()) shipper?.stop()
  }

  #keep(container: Container, plan: LogPlan, sender: LogSender | undefined): void {
    const { kernel, paths, log } = this.#options
    const ended = Promise.withResolvers<void>()
    const { path, remote } = plan
    if (path === undefined || (remote === undefined && !plan.compress)) return
    const shipper = remote && new Shipper({ kernel, ...remote, path, positionPath: paths(container.id).logPosition, sender, ended: ended.promise, log })
    this.#kept.set(container.id, { plan, shipper, ended, compressing: undefined })
    if (plan.compress) this.#timer ??= setInterval(() => this.#compressAll(), compressEvery).unref()
  }

  #compressAll(): void {
    for (const kept of this.#kept.values()) void this.#compress(kept)
  }

  #compress(kept: Kept): Promise<void> | undefined {
    const { plan } = kept
    if (!plan.compress || plan.path === undefined) return undefined
    kept.compressing ??= compressLog(this.#options.kernel, plan.path, { sentOnly: plan.remote !== undefined })
      .catch((error: unknown) => this.#options.log(`cannot compress ${plan.path}: ${messageOf(error)}`))
      .finally(() => (kept.compressing = undefined))
    return kept.compressing
  }
}
