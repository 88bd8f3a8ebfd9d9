import { createHash } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CacheDatabase, CacheMountRecord } from './cache-database.ts'

export interface WantedCacheMount {
  id: string
  sharing: 'shared' | 'private' | 'locked'
  mode: number
  uid: number
  gid: number
  /** Fills a new one. */
  seed?: (directory: string) => Promise<void>
}

interface Use {
  sharing: WantedCacheMount['sharing']
  count: number
}

/**
 * Directories of RUN --mount=type=cache, `<root>/<SHA-256 of the id>-<n>`. Builds that share a cache are in the same one; a private
 * one is the first that nobody is in; a locked one is waited for.
 */
export class CacheMounts {
  readonly #root: string
  readonly #database: CacheDatabase
  readonly #uses = new Map<string, Use>()
  readonly #waiting: (() => void)[] = []

  constructor(root: string, database: CacheDatabase) {
    this.#root = root
    this.#database = database
    mkdirSync(root, { recursive: true, mode: 0o711 })
    const known = new Set(database.mounts().map(({ id }) => id))
    for (const id of known) if (!existsSync(join(root, id))) database.removeMount(id)
  }

  /** @returns its host path, and what gives it back */
  async take(wanted: WantedCacheMount, signal: AbortSignal): Promise<{ path: string; release: () => void }> {
    for (;;) {
      signal.throwIfAborted()
      const id = this.#choose(wanted)
      if (id === undefined) {
        await this.#released(signal)
        continue
      }
      const use = this.#uses.get(id) ?? { sharing: wanted.sharing, count: 0 }
      use.count++
      this.#uses.set(id, use)
      const release = (): void => this.#release(id)
      try {
        await this.#make(id, wanted)
      } catch (error) {
        release()
        throw error
      }
      const now = Date.now()
      const old = this.#database.mounts().find((each) => each.id === id)
      this.#database.putMount({ id, name: wanted.id, created: old?.created ?? now, used: now, uses: (old?.uses ?? 0) + 1 })
      return { path: join(this.#root, id), release }
    }
  }

  /** Is there a directory of that name in a Dockerfile, the first of its kind? */
  has(name: string): boolean {
    return existsSync(join(this.#root, `${createHash('sha256').update(name).digest('hex')}-0`))
  }

  isUsed(id: string): boolean {
    return this.#uses.has(id)
  }

  path({ id }: Pick<CacheMountRecord, 'id'>): string {
    return join(this.#root, id)
  }

  /** Not while it is in use. */
  async remove(record: CacheMountRecord): Promise<void> {
    const path = this.path(record)
    const gone = join(this.#root, `removed-${record.id}`)
    this.#database.removeMount(record.id)
    if (existsSync(path)) renameSync(path, gone)
    await rm(gone, { recursive: true, force: true })
  }

  #choose({ id, sharing }: WantedCacheMount): string | undefined {
    const hash = createHash('sha256').update(id).digest('hex')
    for (let number = 0; ; number++) {
      const name = `${hash}-${number}`
      const use = this.#uses.get(name)
      if (use === undefined || (sharing === 'shared' && use.sharing === 'shared')) return name
      if (sharing === 'locked' && use.sharing !== 'private') return undefined
    }
  }

  async #make(id: string, { mode, uid, gid, seed }: WantedCacheMount): Promise<void> {
    const path = join(this.#root, id)
    if (existsSync(path)) return
    const temporary = join(this.#root, `new-${id}`)
    rmSync(temporary, { recursive: true, force: true })
    mkdirSync(temporary)
    await seed?.(temporary)
    chownSync(temporary, uid, gid)
    chmodSync(temporary, mode)
    if (existsSync(path)) rmSync(temporary, { recursive: true, force: true })
    else renameSync(temporary, path)
  }

  #release(id: string): void {
    const use = this.#uses.get(id)
    if (use === undefined) return
    if (--use.count === 0) this.#uses.delete(id)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async #released(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
  }
}
