export type Transport = 'udp' | 'tcp'

export interface Upstream {
  address: string
  /** Asked from the host's network, not from the container's. */
  fromHost: boolean
}

/**
 * good: asked first. dead: asked last. doubtful: it was dead for a while, and is asked again to see whether it still is; nobody waits
 * for it.
 */
export type ServerState = 'good' | 'dead' | 'doubtful'

/** Milliseconds for which a server that did not answer is left alone. */
const rest = 20_000

/** Which servers do not answer. */
export class ServerHealth {
  readonly #deadUntil = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  stateOf(server: Upstream, transport: Transport): ServerState {
    const until = this.#deadUntil.get(keyOf(server, transport))
    if (until === undefined) return 'good'
    return this.#now() < until ? 'dead' : 'doubtful'
  }

  answered(server: Upstream, transport: Transport): void {
    this.#deadUntil.delete(keyOf(server, transport))
  }

  failed(server: Upstream, transport: Transport): void {
    this.#deadUntil.set(keyOf(server, transport), this.#now() + rest)
  }

  /** As they should be asked. */
  static order(servers: readonly Upstream[], stateOf: (server: Upstream) => ServerState): Upstream[] {
    return [...servers.filter((server) => stateOf(server) !== 'dead'), ...servers.filter((server) => stateOf(server) === 'dead')]
  }
}

function keyOf({ address }: Upstream, transport: Transport): string {
  return `${transport} ${address}`
}
