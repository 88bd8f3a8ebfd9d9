import { writeSync } from 'node:fs'
import { isMainThread, MessageChannel, Worker, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { errnoName, errnoText } from '../../kernel/errno.ts'
import type { Forwarder, ForwardRule } from '../rule.ts'
import { call } from './sockets.ts'
import { runSpliceThread } from './thread-main.ts'
import type { Order, Report } from './thread-main.ts'

const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000
const purpose = 'gantry-proxy splice'

interface ThreadData {
  purpose: string
  port: MessagePort
  wake: number
}

type Unnumbered = Order extends infer Each ? (Each extends Order ? Omit<Each, 'id'> : never) : never

/** The thread of this process, from its first rule on. It keeps the process alive while there is a rule. */
class SpliceThread {
  readonly #port: MessagePort
  readonly #wake: number
  readonly #waiting = new Map<number, (report: Report) => void>()
  #lastId = 0
  #open = 0

  constructor() {
    this.#wake = call('eventfd2', 0, EFD_CLOEXEC_NONBLOCK)
    if (this.#wake < 0) throw new Error(`cannot make an eventfd: ${errnoText(-this.#wake)}`)
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const data: ThreadData = { purpose, port: port2, wake: this.#wake }
    new Worker(new URL(import.meta.url), { workerData: data, transferList: [port2], name: 'splice' }).unref()
    port1.on('message', (report: Report) => {
      this.#waiting.get(report.id)?.(report)
      this.#waiting.delete(report.id)
      this.#keepAlive()
    })
    // A thread that sleeps in the kernel would hold up the end of the process.
    process.on('exit', () => this.#send({ id: 0, op: 'end' }))
    this.#keepAlive()
  }

  async open(rule: ForwardRule, options: { listenFd?: number | undefined; idle?: number | undefined }): Promise<Forwarder> {
    const { id, errno } = await this.#ask({ op: 'open', rule, ...options })
    if (errno !== 0) throw Object.assign(new Error(`${rule.protocol === 'udp' ? 'bind' : 'listen'} ${errnoText(errno)}`), { code: errnoName(errno), errno: -errno })
    this.#open++
    this.#keepAlive()
    return {
      close: async () => {
        await this.#ask({ op: 'close', relay: id })
        this.#open--
        this.#keepAlive()
      },
    }
  }

  #ask(order: Unnumbered): Promise<Report> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#send({ ...order, id })
      this.#keepAlive()
    })
  }

  #send(order: Order): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#port.postMessage(order)
    writeSync(this.#wake, Buffer.of(1, 0, 0, 0, 0, 0, 0, 0))
  }

  #keepAlive(): void {
    if (this.#open > 0 || this.#waiting.size > 0) this.#port.ref()
    else this.#port.unref()
  }
}

let thread: SpliceThread | undefined

export function forwardByThread(rule: ForwardRule, options: { listenFd?: number | undefined; idle?: number | undefined }): Promise<Forwarder> {
  return (thread ??= new SpliceThread()).open(rule, options)
}

/** Whether this is the thread and not the program: its file is the same, also in a bundle. */
export function isSpliceThread(): boolean {
  return !isMainThread && (workerData as Partial<ThreadData> | undefined)?.purpose === purpose
}

if (isSpliceThread()) {
  const { port, wake } = workerData as ThreadData
  runSpliceThread(port, wake)
}
