import { randomBytes } from 'node:crypto'
import { sweep, type ImageCore } from '../../containerd/images/image-core.ts'
import type { Pending, StoredLayer } from '../../containerd/images/image-database.ts'
import { chainIds } from '../../containerd/images/image-document.ts'
import { LayerTar } from '../../containerd/images/layer-tar.ts'
import { CacheDatabase, type CachedLayer, type CacheRecord } from './cache-database.ts'

/** Layers from the bottom up; none: an empty tree. */
export type Stack = readonly StoredLayer[]

export function chainOf(stack: Stack): string | undefined {
  return stack.at(-1)?.chainId
}

/** A step's result, as the cache knows it or as it was just made. */
export interface CachedStep {
  stack: Stack
  /** Milliseconds since the epoch. */
  created: number
}

/**
 * Which step has which result. Layers and blobs of a record, and all below them, are held: no sweep of images takes them. Every
 * record is checked before it is used: a layer that is gone is unpacked again from its blob; without that the record is forgotten.
 */
export class BuildCache {
  readonly database: CacheDatabase
  readonly #core: ImageCore
  readonly #letGo = new Map<string, () => void>()
  /** Records that builds under way have used. */
  readonly #users = new Map<string, number>()

  /** Holds everything at once: to be opened before the image store sweeps. */
  constructor(root: string, core: ImageCore) {
    this.database = new CacheDatabase(root)
    this.#core = core
    for (const record of this.database.records()) this.#hold(record)
  }

  /** @param use called with what has to be let go of at the end of the build */
  async find(key: string, parent: Stack, use: (letGo: () => void) => void): Promise<CachedStep | undefined> {
    const record = this.database.find(key)
    if (record === undefined) return undefined
    const { content, snapshotter, holds, database } = this.#core
    const known = this.database.layer(record.chainId)
    const chainId = chainIds([...parent.map(({ diffId }) => diffId), record.diffId]).at(-1)!
    const below = chainOf(parent)
    if (known === undefined || !content.has(known.blob)) return this.#forget(record)
    use(holds.hold([{ kind: 'layer', key: chainId }, { kind: 'blob', key: known.blob }]))
    if (!snapshotter.hasLayer(chainId)) {
      database.addPending([{ kind: 'layer', key: chainId }])
      // An imported one is compressed.
      await snapshotter.extract({ chainId, parent: below, tar: new LayerTar({ path: content.path(known.blob), digest: known.blob }, { diffId: known.diffId, at: parent.length }) })
    }
    this.#users.set(record.id, (this.#users.get(record.id) ?? 0) + 1)
    use(() => this.#unuse(record.id))
    this.database.touch(record.id, Date.now())
    return { stack: [...parent, { diffId: known.diffId, chainId, blob: known.blob, tarSize: known.tarSize, size: known.size }], created: record.created }
  }

  /** The layers are there and held by the build. */
  add(step: { key: string; type: CacheRecord['type']; description: string; stack: Stack; created: number }): void {
    const top = step.stack.at(-1)!
    const old = this.database.find(step.key)
    const { key, type, description, created } = step
    const record: CacheRecord = { id: old?.id ?? newRecordId(), key, type, description, diffId: top.diffId, chainId: top.chainId, created, used: created, uses: old?.uses ?? 0 }
    this.database.put(record, step.stack.map((layer, at): CachedLayer => ({ ...layer, parent: step.stack[at - 1]?.chainId })))
    const before = this.#letGo.get(record.id)
    this.#hold(record)
    if (before === undefined) return
    this.#pend([old!])
    before()
  }

  isUsed(id: string): boolean {
    return this.#users.has(id)
  }

  /** Layers of a record and of all that it stands on, topmost first. */
  layersOf(record: Pick<CacheRecord, 'chainId'>): CachedLayer[] {
    const found: CachedLayer[] = []
    for (let layer = this.database.layer(record.chainId); layer !== undefined; layer = layer.parent === undefined ? undefined : this.database.layer(layer.parent)) found.push(layer)
    return found
  }

  /** Forgets records; what nobody else needs is removed. */
  async remove(records: readonly CacheRecord[]): Promise<void> {
    await this.#core.exclusive(async () => {
      this.#pend(records)
      for (const record of records) {
        this.database.remove(record.id)
        this.#letGo.get(record.id)?.()
        this.#letGo.delete(record.id)
      }
      const needed = new Set(this.database.records().flatMap((record) => this.layersOf(record).map(({ chainId }) => chainId)))
      this.database.removeLayers(this.database.layers().flatMap(({ chainId }) => (needed.has(chainId) ? [] : [chainId])))
      await sweep(this.#core)
    })
  }

  close(): void {
    this.database.close()
  }

  #forget(record: CacheRecord): undefined {
    this.database.remove(record.id)
    this.#letGo.get(record.id)?.()
    this.#letGo.delete(record.id)
    return undefined
  }

  #hold(record: CacheRecord): void {
    this.#letGo.set(record.id, this.#core.holds.hold(this.#items(record)))
  }

  /** What is let go of is written down first, or nobody would know of it. */
  #pend(records: readonly CacheRecord[]): void {
    this.#core.database.addPending(records.flatMap((record) => this.#items(record)))
  }

  #items(record: Pick<CacheRecord, 'chainId'>): Pending[] {
    return this.layersOf(record).flatMap(({ chainId, blob }): Pending[] => [{ kind: 'layer', key: chainId }, { kind: 'blob', key: blob }])
  }

  #unuse(id: string): void {
    const count = (this.#users.get(id) ?? 0) - 1
    if (count > 0) this.#users.set(id, count)
    else this.#users.delete(id)
  }
}

/** 25 letters and digits, as BuildKit's. */
function newRecordId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
  return [...randomBytes(25)].map((byte) => alphabet[byte % alphabet.length]).join('')
}
