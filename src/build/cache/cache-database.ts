import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { StoredLayer } from '../../containerd/images/image-database.ts'

/** What a step with this key has come to. Times in milliseconds since the epoch. */
export interface CacheRecord {
  id: string
  key: string
  type: 'regular' | 'source.local' | 'source.git.checkout'
  description: string
  /** Layer that the step has made, and the stack that it was made upon and is the top of. */
  diffId: string
  chainId: string
  created: number
  used: number
  uses: number
}

/** A layer that records need, with what it stands on. */
export interface CachedLayer extends StoredLayer {
  parent: string | undefined
}

/** A directory of RUN --mount=type=cache. */
export interface CacheMountRecord {
  /** Name of its directory. */
  id: string
  /** As in the Dockerfile. */
  name: string
  created: number
  used: number
  uses: number
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS layer (
    chain_id TEXT PRIMARY KEY, parent TEXT, diff_id TEXT NOT NULL, blob TEXT NOT NULL, tar_size INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS record (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, type TEXT NOT NULL, description TEXT NOT NULL, diff_id TEXT NOT NULL, chain_id TEXT NOT NULL,
    created INTEGER NOT NULL, used INTEGER NOT NULL, uses INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS digest (key TEXT PRIMARY KEY, digest TEXT NOT NULL, used INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS mount (id TEXT PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL, uses INTEGER NOT NULL) STRICT;
`

/**
 * The records of the build cache in `<root>/build.db`. A record that a power cut loses is a step that is run again, so not every
 * commit waits for the disk; what a record refers to is looked for before it is believed.
 */
export class CacheDatabase {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(root: string) {
    mkdirSync(root, { recursive: true, mode: 0o700 })
    this.#database = new DatabaseSync(join(root, 'build.db'))
    this.#database.exec(schema)
  }

  records(): CacheRecord[] {
    return this.#prepared(`SELECT ${recordColumns} FROM record`).all() as unknown as CacheRecord[]
  }

  find(key: string): CacheRecord | undefined {
    return this.#prepared(`SELECT ${recordColumns} FROM record WHERE key = ?`).get(key) as CacheRecord | undefined
  }

  /** Replaces one of the same key. */
  put(record: CacheRecord, layers: readonly CachedLayer[]): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const { chainId, parent, diffId, blob, tarSize, size } of layers) {
        this.#run('INSERT OR IGNORE INTO layer VALUES (?, ?, ?, ?, ?, ?)', chainId, parent ?? null, diffId, blob, tarSize, size)
      }
      const { id, key, type, description, diffId, chainId, created, used, uses } = record
      this.#run('INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', id, key, type, description, diffId, chainId, created, used, uses)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  touch(id: string, now: number): void {
    this.#run('UPDATE record SET used = ?, uses = uses + 1 WHERE id = ?', now, id)
  }

  remove(id: string): void {
    this.#run('DELETE FROM record WHERE id = ?', id)
  }

  layer(chainId: string): CachedLayer | undefined {
    const row = this.#prepared(`SELECT ${layerColumns} FROM layer WHERE chain_id = ?`).get(chainId)
    return row && ({ ...row, parent: row['parent'] ?? undefined } as unknown as CachedLayer)
  }

  layers(): CachedLayer[] {
    return this.#prepared(`SELECT ${layerColumns} FROM layer`).all().map((row) => ({ ...row, parent: row['parent'] ?? undefined }) as unknown as CachedLayer)
  }

  removeLayers(chainIds: readonly string[]): void {
    for (const chainId of chainIds) this.#run('DELETE FROM layer WHERE chain_id = ?', chainId)
  }

  /** Digests of what a COPY takes from a tree that never changes. */
  digest(key: string): string | undefined {
    return this.#prepared('SELECT digest FROM digest WHERE key = ?').get(key)?.['digest'] as string | undefined
  }

  putDigest(key: string, digest: string, now: number): void {
    this.#run('INSERT OR REPLACE INTO digest VALUES (?, ?, ?)', key, digest, now)
  }

  forgetDigests(before: number): void {
    this.#run('DELETE FROM digest WHERE used < ?', before)
  }

  mounts(): CacheMountRecord[] {
    return this.#prepared('SELECT id, name, created, used, uses FROM mount').all() as unknown as CacheMountRecord[]
  }

  putMount({ id, name, created, used, uses }: CacheMountRecord): void {
    this.#run('INSERT OR REPLACE INTO mount VALUES (?, ?, ?, ?, ?)', id, name, created, used, uses)
  }

  removeMount(id: string): void {
    this.#run('DELETE FROM mount WHERE id = ?', id)
  }

  close(): void {
    this.#database.close()
  }

  /** To compile a statement takes longer than to run it. */
  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#prepared(sql).run(...values)
  }
}

const recordColumns = 'id, key, type, description, diff_id AS diffId, chain_id AS chainId, created, used, uses'
const layerColumns = 'chain_id AS chainId, parent, diff_id AS diffId, blob, tar_size AS tarSize, size'
