import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { Change, ExtractLayer, PrepareSnapshot, SnapshotMount, Snapshotter } from '../contract.ts'
import { diffTar } from './diff-tar.ts'
import { directorySize } from './directory-size.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { compareLayer } from './layer-comparer.ts'
import { checkKey } from './names.ts'
import type { TreeBackend } from './tree-backend.ts'
import { TreeRecords, type TreeRecord } from './tree-records.ts'
import { changesOf } from './tree-step.ts'
import { treeSteps } from './tree-steps.ts'
import { unpackLayer } from './unpack-layer.ts'

export interface OpenTrees {
  root: string
  kernel: Kernel
  backend: TreeBackend
  /** Bytes, of containers that ask for none. */
  quota?: number | undefined
  log: (line: string) => void
}

/** Opens the snapshots of a driver that keeps whole trees, and removes the trees that belong to nobody. */
export async function openTrees(options: OpenTrees): Promise<Snapshotter> {
  const snapshotter = new TreeSnapshotter(options)
  await snapshotter.removeRubbish()
  return snapshotter
}

class TreeSnapshotter implements Snapshotter {
  readonly name: string
  readonly #root: string
  readonly #kernel: Kernel
  readonly #backend: TreeBackend
  readonly #quota: number | undefined
  readonly #log: (line: string) => void
  readonly #layers: TreeRecords
  readonly #snapshots: TreeRecords
  /** How often each tree is open for a while in this process. */
  readonly #users = new Map<string, number>()
  readonly #queue = new KeyedQueue()
  /** Trees of activated containers; one that an earlier process activated is known by being open. */
  readonly #active = new Set<string>()

  constructor({ root, kernel, backend, quota, log }: OpenTrees) {
    this.name = backend.name
    this.#root = root
    this.#kernel = kernel
    this.#backend = backend
    this.#quota = quota
    this.#log = log
    this.#layers = new TreeRecords(join(root, 'layers'))
    this.#snapshots = new TreeRecords(join(root, 'containers'))
    mkdirSync(join(root, 'mounts'), { recursive: true, mode: 0o710 })
  }

  async removeRubbish(): Promise<void> {
    this.#removeMountpoints()
    const known = new Set([...this.#layers.all(), ...this.#snapshots.all()].map(({ tree }) => tree))
    for (const tree of await this.#backend.list()) {
      if (known.has(tree)) continue
      try {
        await this.#discard(tree)
      } catch (error) {
        this.#log(`cannot remove tree ${tree}, which belongs to nothing: ${String(error)}`)
      }
    }
  }

  /** Mount points of containers that were never finished. */
  #removeMountpoints(): void {
    for (const key of readdirSync(join(this.#root, 'mounts'))) if (!this.#snapshots.get(key)) isBusy(this.#mountpoint(key))
  }

  async extract({ chainId, parent, tar }: ExtractLayer): Promise<{ size: number }> {
    const known = this.#layers.get(chainId)
    if (known) return { size: known.size ?? 0 }
    const origin = parent === undefined ? undefined : this.#layer(parent).tree
    const tree = newTree()
    let isKept = false
    try {
      await this.#backend.create(tree, origin, {})
      const size = await this.#using(tree, async (directory) => {
        if (origin === undefined) chmodSync(directory, 0o755)
        const bytes = await unpackLayer({ kernel: this.#kernel, tar, directory, whiteouts: 'applied' })
        await this.#backend.seal(tree)
        return bytes
      })
      const other = this.#layers.get(chainId)
      if (other) return { size: other.size ?? 0 }
      if (parent !== undefined) this.#layer(parent)
      this.#layers.put({ name: chainId, parent, tree, size })
      isKept = true
      return { size }
    } finally {
      if (!isKept) await this.#discard(tree).catch((error: unknown) => this.#log(`cannot remove tree ${tree}: ${String(error)}`))
    }
  }

  hasLayer(chainId: string): boolean {
    return this.#layers.get(chainId) !== undefined
  }

  layers(): string[] {
    return this.#layers.all().map(({ name }) => name)
  }

  layerSize(chainId: string): number {
    return this.#layers.get(chainId)?.size ?? 0
  }

  async removeLayer(chainId: string): Promise<void> {
    const { tree } = this.#layer(chainId)
    const child = [...this.#layers.all(), ...this.#snapshots.all()].find(({ parent }) => parent === chainId)
    if (child !== undefined) throw new GantryError('Conflict', `cannot remove layer ${chainId}: ${child.name} is its child`)
    this.#layers.delete(chainId)
    await this.#discard(tree)
  }

  async suspects(): Promise<string[]> {
    const trees = new Set(await this.#backend.list())
    const found: string[] = []
    for (const { name, tree, parent, size } of this.#layers.all()) {
      if (!trees.has(tree)) found.push(name)
      // One that cannot be opened is as good as gone.
      else if (parent === undefined && (await this.#using(tree, directorySize).catch(() => undefined)) !== size) found.push(name)
    }
    return found
  }

  async compare(chainId: string, tar: AsyncIterable<Uint8Array>): Promise<string[]> {
    return await this.#using(this.#layer(chainId).tree, (directory) => compareLayer({ kernel: this.#kernel, tar, directory }))
  }

  async prepare(key: string, parent: string | undefined, { quota = this.#quota }: PrepareSnapshot = {}): Promise<void> {
    checkKey(key)
    if (this.#snapshots.get(key)) throw new GantryError('Conflict', `cannot prepare snapshot ${key}: it exists`)
    const origin = parent === undefined ? undefined : this.#layer(parent).tree
    const tree = newTree()
    try {
      await this.#backend.create(tree, origin, quota === undefined ? {} : { quota })
      mkdirSync(this.#mountpoint(key), { recursive: true, mode: 0o710 })
      this.#snapshots.put({ name: key, parent, tree })
    } catch (error) {
      await this.#discard(tree).catch(() => undefined) // the first failure is the one to show
      throw error
    }
  }

  async activate(key: string): Promise<void> {
    const { tree } = this.#snapshot(key)
    this.#active.add(tree)
    await this.#queue.run(tree, () => this.#backend.open(tree))
  }

  async deactivate(key: string): Promise<void> {
    const { tree } = this.#snapshot(key)
    this.#active.delete(tree)
    await this.#closeUnused(tree)
  }

  mount(key: string): SnapshotMount {
    return { type: 'bind', source: this.#backend.directory(this.#snapshot(key).tree), readonly: false }
  }

  mountpoint(key: string): string {
    this.#snapshot(key)
    return this.#mountpoint(key)
  }

  async remove(key: string): Promise<void> {
    const { tree } = this.#snapshot(key)
    if (isBusy(this.#mountpoint(key))) throw new GantryError('Conflict', `cannot remove snapshot ${key}: it is mounted`)
    this.#snapshots.delete(key)
    this.#active.delete(tree)
    await this.#discard(tree)
  }

  keys(): string[] {
    return this.#snapshots.all().map(({ name }) => name)
  }

  async changes(key: string): Promise<Change[]> {
    return await this.#compared(key, (now, before) => changesOf(treeSteps(this.#kernel, now, before)))
  }

  async *diff(key: string): AsyncGenerator<Uint8Array, void, undefined> {
    const { tree, origin } = this.#pair(key)
    const opened: string[] = []
    try {
      for (const each of origin === undefined ? [tree] : [tree, origin]) {
        await this.#open(each)
        opened.push(each)
      }
      const before = origin === undefined ? undefined : this.#backend.directory(origin)
      yield* diffTar(this.#kernel, treeSteps(this.#kernel, this.#backend.directory(tree), before))
    } finally {
      for (const each of opened) await this.#close(each)
    }
  }

  async commit(key: string, chainId: string): Promise<{ size: number } | undefined> {
    const { tree, parent } = this.#snapshot(key)
    if (isBusy(this.#mountpoint(key))) throw new GantryError('Conflict', `cannot commit snapshot ${key}: it is mounted`)
    const size = await this.usage(key)
    const known = this.#layers.get(chainId)
    if (known === undefined) await this.#using(tree, () => this.#backend.seal(tree))
    // Killed in between, the tree belongs to nobody and goes.
    this.#snapshots.delete(key)
    this.#active.delete(tree)
    if (known === undefined) this.#layers.put({ name: chainId, parent, tree, size })
    else await this.#discard(tree)
    return { size: known?.size ?? size }
  }

  graphData(key: string): Record<string, string> {
    return this.#backend.graphData(this.#snapshot(key).tree)
  }

  layerGraphData(chainId: string | undefined): Record<string, string> {
    return chainId === undefined ? {} : this.#backend.graphData(this.#layer(chainId).tree)
  }

  async usage(key: string): Promise<number> {
    return await this.#compared(key, (now, before) => {
      let size = 0
      const seen = new Set<bigint>()
      for (const { kind, node } of treeSteps(this.#kernel, now, before)) {
        if (kind === 'parent' || node === undefined || node.stats.isDirectory() || seen.has(node.stats.ino)) continue
        if (node.stats.nlink > 1n) seen.add(node.stats.ino)
        size += Number(node.stats.size)
      }
      return size
    })
  }

  status(): [string, string][] {
    return this.#backend.status()
  }

  async close(): Promise<void> {
    await this.#backend.end()
  }

  async #compared<Result>(key: string, compare: (now: string, before: string | undefined) => Result): Promise<Result> {
    const { tree, origin } = this.#pair(key)
    return await this.#using(tree, async (now) => {
      if (origin === undefined) return compare(now, undefined)
      return await this.#using(origin, async (before) => compare(now, before))
    })
  }

  #pair(key: string): { tree: string; origin: string | undefined } {
    const { tree, parent } = this.#snapshot(key)
    return { tree, origin: parent === undefined ? undefined : this.#layer(parent).tree }
  }

  async #using<Result>(tree: string, use: (directory: string) => Promise<Result>): Promise<Result> {
    await this.#open(tree)
    try {
      return await use(this.#backend.directory(tree))
    } finally {
      await this.#close(tree)
    }
  }

  /** What was open before we came stays open after us. */
  async #open(tree: string): Promise<void> {
    this.#users.set(tree, (this.#users.get(tree) ?? 0) + 1)
    await this.#queue.run(tree, async () => {
      // Open, and by nobody of this process: for a container that an earlier one started.
      if (this.#users.get(tree) === 1 && this.#backend.isOpen(tree)) this.#active.add(tree)
      await this.#backend.open(tree)
    })
  }

  async #close(tree: string): Promise<void> {
    const users = this.#users.get(tree) ?? 0
    if (users > 1) this.#users.set(tree, users - 1)
    else this.#users.delete(tree)
    await this.#closeUnused(tree)
  }

  async #closeUnused(tree: string): Promise<void> {
    await this.#queue.run(tree, async () => {
      if (!this.#users.has(tree) && !this.#active.has(tree)) await this.#backend.close(tree)
    })
  }

  async #discard(tree: string): Promise<void> {
    this.#active.delete(tree)
    await this.#backend.close(tree)
    await this.#backend.remove(tree)
  }

  #layer(chainId: string): TreeRecord {
    const layer = this.#layers.get(chainId)
    if (!layer) throw new GantryError('NotFound', `layer ${chainId} does not exist`)
    return layer
  }

  #snapshot(key: string): TreeRecord {
    const snapshot = this.#snapshots.get(key)
    if (!snapshot) throw new GantryError('NotFound', `snapshot ${key} does not exist`)
    return snapshot
  }

  #mountpoint(key: string): string {
    return join(this.#root, 'mounts', key)
  }
}

function newTree(): string {
  return randomBytes(16).toString('hex')
}

/** The kernel removes no directory that something is mounted on. @returns whether that is so */
function isBusy(mountpoint: string): boolean {
  try {
    rmdirSync(mountpoint)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EBUSY') return true
    if (code !== 'ENOENT') throw error
  }
  return false
}
