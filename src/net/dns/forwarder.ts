import { askByTcp, askByUdp } from './exchange.ts'
import type { SocketSource } from './exchange.ts'
import { ServerHealth } from './server-health.ts'
import type { Transport, Upstream } from './server-health.ts'
import { code, codeOf } from './wire.ts'
import type { Query } from './wire.ts'

/** Milliseconds. Programs ask again after 5 seconds: they should have an answer until then. */
const times = { patience: { udp: 400, tcp: 800 }, all: 4500 }
const mostServers = 8
/** Of all containers together, and of one. */
const most = { all: 1024, one: 256 }

export interface Forwarding {
  query: Query
  packet: Buffer
  transport: Transport
  /** Of the container: limits and the health of servers that only it can reach. */
  asker: Asker
  /** In the order in which they are preferred. */
  servers: readonly Upstream[]
}

export interface Asker {
  pending: number
  sockets: SocketSource
  health: ServerHealth
  /** The container has gone. */
  gone: AbortSignal
}

/** Asks other servers on behalf of containers. */
export class Forwarder {
  readonly #sockets: SocketSource
  readonly #port: number
  readonly #health = new ServerHealth()
  #pending = 0

  constructor({ sockets, port = 53 }: { sockets: SocketSource; port?: number }) {
    this.#sockets = sockets
    this.#port = port
  }

  /**
   * The first good answer. The next server is asked as soon as one has failed, or has been silent for a moment, without giving up
   * those before; one that others were faster than is asked later from then on. Undefined: nobody answered.
   */
  async forward(forwarding: Forwarding): Promise<Buffer | undefined> {
    const { asker } = forwarding
    if (this.#pending >= most.all || asker.pending >= most.one) return undefined
    this.#pending++
    asker.pending++
    try {
      return await this.#race(forwarding)
    } finally {
      this.#pending--
      asker.pending--
    }
  }

  #race(forwarding: Forwarding): Promise<Buffer | undefined> {
    const { asker, transport } = forwarding
    const healthOf = (server: Upstream): ServerHealth => (server.fromHost ? this.#health : asker.health)
    const order = ServerHealth.order(forwarding.servers.slice(0, mostServers), (server) => healthOf(server).stateOf(server, transport))
    const over = new AbortController()
    return new Promise((resolve) => {
      let waiting = 0
      let next = 0
      let poor: Buffer | undefined
      let impatience: NodeJS.Timeout | undefined
      const silent = new Set<Upstream>()
      const finish = (answer: Buffer | undefined): void => {
        if (over.signal.aborted) return
        clearTimeout(impatience)
        clearTimeout(deadline)
        for (const server of silent) healthOf(server).failed(server, transport)
        over.abort()
        resolve(answer)
      }
      const deadline = setTimeout(() => {
        finish(poor)
      }, times.all)
      const advance = (): void => {
        clearTimeout(impatience)
        const server = order[next]
        if (server === undefined) {
          if (waiting === 0) finish(poor)
          return
        }
        next++
        waiting++
        const isDoubtful = healthOf(server).stateOf(server, transport) === 'doubtful'
        // Whether it is well again, is to be known even if others are faster.
        const until = isDoubtful ? AbortSignal.timeout(times.all) : over.signal
        void this.#ask(server, forwarding, AbortSignal.any([until, asker.gone])).then((answer) => {
          healthOf(server).answered(server, transport)
          silent.delete(server)
          if (isGood(answer)) finish(answer)
          else poor ??= answer
        }, () => {
          silent.delete(server)
          if (isDoubtful || !over.signal.aborted) healthOf(server).failed(server, transport)
        }).finally(() => {
          waiting--
          if (!over.signal.aborted && (order[next - 1] === server || waiting === 0)) advance()
        })
        impatience = setTimeout(() => {
          if (!isDoubtful) silent.add(server)
          if (next < order.length) advance()
        }, isDoubtful ? 0 : times.patience[transport])
      }
      advance()
    })
  }

  async #ask(server: Upstream, { query, packet, transport, asker }: Forwarding, signal: AbortSignal): Promise<Buffer> {
    const exchange = { query, packet, server: { address: server.address, port: this.#port }, sockets: server.fromHost ? this.#sockets : asker.sockets, signal }
    return transport === 'udp' ? await askByUdp(exchange) : await askByTcp(exchange)
  }
}

/** The next server may know better. */
function isGood(answer: Buffer): boolean {
  const found = codeOf(answer)
  return found !== code.failure && found !== code.refused
}
