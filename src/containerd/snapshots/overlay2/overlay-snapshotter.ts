import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { Change, ExtractLayer, PrepareSnapshot, SnapshotMount, Snapshotter } from '../contract.ts'
import { openProjectQuota, type ProjectQuota } from '../quota/project-quota.ts'
import { diffTar } from '../tree/diff-tar.ts'
import { directorySize } from '../tree/directory-size.ts'
import { compareLayer } from '../tree/layer-comparer.ts'
import { checkKey, half, hexOf } from '../tree/names.ts'
import { changesOf, type TreeStep } from '../tree/tree-step.ts'
import { syncFilesystem, unpackLayer } from '../tree/unpack-layer.ts'
import { overlaySteps, type WhiteoutMarks } from './overlay-steps.ts'

/** What the kernel's overlay and a FUSE server differ in. */
export interface OverlayFlavour {
  readonly name: string
  readonly marks: WhiteoutMarks
  mount(paths: OverlayPaths): SnapshotMount
  activate(paths: OverlayPaths): Promise<void>
  deactivate(paths: Pick<OverlayPaths, 'directory'>): Promise<void>
  /** Docker's text where the file system has no quotas. */
  readonly quotaRefusal: string
  status(): [string, string][]
}

export interface OverlayPaths {
  directory: string
  /** Topmost first. */
  lower: string[]
  upper: string
  work: string
}

interface Layer {
  parent: string | undefined
  size: number
}

/**
 * Layers and container snapshots as directories for overlay mounts:
 *   <root>/<64 hex of the chain id>/{diff,layer.json}
 *   <root>/<container id>/{diff,work,merged} and a link "parent" to the layer's directory
 * Each is made and removed under a name that begins with "tmp-" and moved by one rename, so what has another name is whole.
 */
export class OverlaySnapshotter implements Snapshotter {
  readonly name: string
  readonly #root: string
  readonly #kernel: Kernel
  readonly #flavour: OverlayFlavour
  readonly #defaultQuota: number | undefined
  readonly #layers = new Map<string, Layer>()
  /** Container snapshots and their parents. */
  readonly #snapshots = new Map<string, string | undefined>()
  #quota: ProjectQuota | undefined

  constructor({ root, kernel, flavour, quota }: { root: string; kernel: Kernel; flavour: OverlayFlavour; quota?: number | undefined }) {
    this.name = flavour.name
    this.#root = root
    this.#kernel = kernel
    this.#flavour = flavour
    this.#defaultQuota = quota
    for (const entry of readdirSync(root, { withFileTypes: true })) if (entry.isDirectory()) this.#recover(entry.name)
  }

  async extract({ chainId, parent, tar }: ExtractLayer): Promise<{ size: number }> {
    const known = this.#layers.get(chainId)
    if (known) return { size: known.size }
    if (parent !== undefined) this.#layer(parent)
    const temporary = this.#temporary()
    const directory = join(temporary, 'diff')
    try {
      mkdirSync(directory, { recursive: true })
      chmodSync(temporary, 0o710)
      chmodSync(directory, 0o755)
      const size = await unpackLayer({ kernel: this.#kernel, tar, directory, whiteouts: 'overlay' })
      writeFileSync(join(temporary, 'layer.json'), JSON.stringify({ chainId, parent, size }))
      await syncFilesystem(this.#kernel, temporary)
      return { size: await this.#commitLayer(temporary, chainId, { parent, size }) }
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  }

  hasLayer(chainId: string): boolean {
    return this.#layers.has(chainId)
  }

  layers(): string[] {
    return [...this.#layers.keys()]
  }

  layerSize(chainId: string): number {
    return this.#layers.get(chainId)?.size ?? 0
  }

  async removeLayer(chainId: string): Promise<void> {
    this.#layer(chainId)
    const child = [...this.#layers].find(([, layer]) => layer.parent === chainId)?.[0] ?? [...this.#snapshots].find(([, parent]) => parent === chainId)?.[0]
    if (child !== undefined) throw new GantryError('Conflict', `cannot remove layer ${chainId}: ${child} is its child`)
    this.#layers.delete(chainId)
    await this.#discard(hexOf(chainId))
  }

  async suspects(): Promise<string[]> {
    const found: string[] = []
    for (const [chainId, { size }] of this.#layers) {
      const directory = join(this.#root, hexOf(chainId), 'diff')
      if (!existsSync(directory) || (await directorySize(directory)) !== size) found.push(chainId)
    }
    return found
  }

  async compare(chainId: string, tar: AsyncIterable<Uint8Array>): Promise<string[]> {
    this.#layer(chainId)
    return await compareLayer({ kernel: this.#kernel, tar, directory: join(this.#root, hexOf(chainId), 'diff') })
  }

  async prepare(key: string, parent: string | undefined, { quota = this.#defaultQuota }: PrepareSnapshot = {}): Promise<void> {
    checkKey(key)
    if (this.#snapshots.has(key)) throw new GantryError('Conflict', `cannot prepare snapshot ${key}: it exists`)
    if (parent !== undefined) this.#layer(parent)
    const limits = quota === undefined ? undefined : this.#quotaControl()
    const temporary = this.#temporary()
    mkdirSync(temporary, { mode: 0o710 })
    // Before there is anything in it: what is made in a directory of a project belongs to the project.
    if (quota !== undefined) limits!.set(temporary, quota)
    for (const name of ['diff', 'work', 'merged']) mkdirSync(join(temporary, name))
    chmodSync(join(temporary, 'diff'), 0o755)
    // A link is metadata: file systems order it before the rename, which a file's content would need an fsync for.
    if (parent !== undefined) symlinkSync(join('..', hexOf(parent)), join(temporary, 'parent'))
    renameSync(temporary, join(this.#root, key))
    this.#snapshots.set(key, parent)
  }

  async activate(key: string): Promise<void> {
    await this.#flavour.activate(this.#paths(key))
  }

  async deactivate(key: string): Promise<void> {
    await this.#flavour.deactivate(this.#paths(key))
  }

  mount(key: string): SnapshotMount {
    const paths = this.#paths(key)
    if (paths.lower.length === 0) return { type: 'bind', source: paths.upper, readonly: false }
    return this.#flavour.mount(paths)
  }

  mountpoint(key: string): string {
    this.#parent(key)
    return join(this.#root, key, 'merged')
  }

  async remove(key: string): Promise<void> {
    this.#parent(key)
    const directory = join(this.#root, key)
    if (isMountpoint(directory)) throw new GantryError('Conflict', `cannot remove snapshot ${key}: it is mounted`)
    await this.#flavour.deactivate({ directory })
    this.#snapshots.delete(key)
    await this.#discard(key)
  }

  keys(): string[] {
    return [...this.#snapshots.keys()]
  }

  async changes(key: string): Promise<Change[]> {
    return changesOf(this.#steps(key))
  }

  diff(key: string): AsyncIterable<Uint8Array> {
    return diffTar(this.#kernel, this.#steps(key))
  }

  async commit(key: string, chainId: string): Promise<{ size: number } | undefined> {
    const parent = this.#parent(key)
    if (this.#flavour.marks !== 'nodes') return undefined
    const directory = join(this.#root, key)
    if (isMountpoint(directory)) throw new GantryError('Conflict', `cannot commit snapshot ${key}: it is mounted`)
    const known = this.#layers.get(chainId)
    if (known) {
      await this.remove(key)
      return { size: known.size }
    }
    const temporary = this.#temporary()
    const size = await directorySize(join(directory, 'diff'))
    renameSync(directory, temporary)
    this.#snapshots.delete(key)
    try {
      for (const name of ['work', 'merged', 'parent']) await rm(join(temporary, name), { recursive: true, force: true })
      writeFileSync(join(temporary, 'layer.json'), JSON.stringify({ chainId, parent, size }))
      await syncFilesystem(this.#kernel, temporary)
      return { size: await this.#commitLayer(temporary, chainId, { parent, size }) }
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  }

  graphData(key: string): Record<string, string> {
    return graphData(join(this.#root, key), this.#paths(key).lower)
  }

  layerGraphData(chainId: string | undefined): Record<string, string> {
    const [top, ...below] = this.#chain(chainId)
    if (top === undefined) return {}
    return graphData(join(this.#root, hexOf(top)), below.map((id) => join(this.#root, hexOf(id), 'diff')))
  }

  async usage(key: string): Promise<number> {
    return await directorySize(this.#paths(key).upper)
  }

  status(): [string, string][] {
    return this.#flavour.status()
  }

  async close(): Promise<void> {}

  #steps(key: string): Iterable<TreeStep> {
    const { upper, lower } = this.#paths(key)
    return overlaySteps(this.#kernel, upper, { lower, marks: this.#flavour.marks })
  }

  #paths(key: string): OverlayPaths {
    const directory = join(this.#root, key)
    const lower = this.#chain(this.#parent(key)).map((chainId) => join(this.#root, hexOf(chainId), 'diff'))
    return { directory, lower, upper: join(directory, 'diff'), work: join(directory, 'work') }
  }

  /** Topmost first. */
  #chain(chainId: string | undefined): string[] {
    const chain: string[] = []
    for (let at = chainId; at !== undefined; at = this.#layer(at).parent) chain.push(at)
    return chain
  }

  #layer(chainId: string): Layer {
    const layer = this.#layers.get(chainId)
    if (!layer) throw new GantryError('NotFound', `layer ${chainId} does not exist`)
    return layer
  }

  #parent(key: string): string | undefined {
    if (!this.#snapshots.has(key)) throw new GantryError('NotFound', `snapshot ${key} does not exist`)
    return this.#snapshots.get(key)
  }

  #quotaControl(): ProjectQuota {
    this.#quota ??= openProjectQuota(this.#kernel, this.#root)
    if (this.#quota === undefined) throw new GantryError('InvalidParameter', this.#flavour.quotaRefusal)
    return this.#quota
  }

  #temporary(): string {
    return join(this.#root, half + randomBytes(8).toString('hex'))
  }

  async #commitLayer(temporary: string, chainId: string, layer: Layer): Promise<number> {
    const other = this.#layers.get(chainId)
    if (other) return other.size
    if (layer.parent !== undefined) this.#layer(layer.parent)
    renameSync(temporary, join(this.#root, hexOf(chainId)))
    this.#layers.set(chainId, layer)
    const handle = await open(this.#root)
    await handle.sync().finally(() => handle.close())
    return layer.size
  }

  async #discard(name: string): Promise<void> {
    const temporary = this.#temporary()
    renameSync(join(this.#root, name), temporary)
    await rm(temporary, { recursive: true, force: true })
  }

  #recover(name: string): void {
    const directory = join(this.#root, name)
    if (name.startsWith(half)) {
      if (!isMountpoint(directory)) rmSync(directory, { recursive: true, force: true })
      return
    }
    const entries = readdirSync(directory)
    if (entries.includes('layer.json')) {
      const { chainId, parent, size } = JSON.parse(readFileSync(join(directory, 'layer.json'), 'utf8')) as Layer & { chainId: string }
      this.#layers.set(chainId, { parent, size })
    } else if (entries.includes('work')) {
      const parent = entries.includes('parent') ? readlinkSync(join(directory, 'parent')) : undefined
      this.#snapshots.set(name, parent === undefined ? undefined : `sha256:${parent.slice(3)}`)
    }
  }
}

function graphData(directory: string, lower: string[]): Record<string, string> {
  return {
    ...(lower.length > 0 && { LowerDir: lower.join(':') }),
    MergedDir: join(directory, 'merged'),
    UpperDir: join(directory, 'diff'),
    WorkDir: join(directory, 'work'),
  }
}

function isMountpoint(snapshot: string): boolean {
  const merged = statSync(join(snapshot, 'merged'), { throwIfNoEntry: false })
  return merged !== undefined && merged.dev !== statSync(snapshot).dev
}
