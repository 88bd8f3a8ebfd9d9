import type { Duplex } from 'node:stream'
import { sessionHeader } from '../../lib/buildkit/session-messages.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Metadata } from '../../lib/grpc/server.ts'
import { BuildSession } from './build-session.ts'

/** A client opens its session beside the build that names it: either may come first. */
const patienceMilliseconds = 5000

/** The sessions that are open, by id. */
export class Sessions {
  readonly #open = new Map<string, BuildSession>()
  readonly #waiting = new Map<string, Set<(session: BuildSession) => void>>()

  /**
   * Speaks HTTP/2 as a client over `connection` until either side closes it.
   * @param metadata the headers of the request that opened it, in lower case
   * @throws InvalidParameter without an id; Conflict when it is in use
   */
  open(connection: Duplex, metadata: Metadata): BuildSession {
    const head = {
      id: metadata[sessionHeader.id]?.[0] ?? '',
      name: metadata[sessionHeader.name]?.[0] ?? '',
      sharedKey: metadata[sessionHeader.sharedKey]?.[0] ?? '',
      methods: new Set((metadata[sessionHeader.methods] ?? []).flatMap((value) => value.split(',').map((path) => path.trim()))),
    }
    this.check(head.id)
    const session = new BuildSession(connection, head)
    this.#open.set(head.id, session)
    void session.closed.then(() => this.#open.delete(head.id))
    for (const tell of this.#waiting.get(head.id) ?? []) tell(session)
    return session
  }

  /** @throws as `open` does */
  check(id: string | undefined): void {
    if (id === undefined || id === '') throw new GantryError('InvalidParameter', 'no session id in the request')
    if (this.#open.has(id)) throw new GantryError('Conflict', `session ${id} already exists`)
  }

  /** @throws NotFound when no such session comes */
  async get(id: string, signal?: AbortSignal): Promise<BuildSession> {
    const found = this.#open.get(id)
    if (found !== undefined) return found
    const { promise, resolve, reject } = Promise.withResolvers<BuildSession>()
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting.add(resolve))
    const timer = setTimeout(() => reject(new GantryError('NotFound', `no active session for ${id}: context deadline exceeded`)), patienceMilliseconds)
    const abort = (): void => reject(new GantryError('System', 'context canceled'))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      waiting.delete(resolve)
      if (waiting.size === 0) this.#waiting.delete(id)
    }
  }

  close(): void {
    for (const session of this.#open.values()) session.close()
  }
}
