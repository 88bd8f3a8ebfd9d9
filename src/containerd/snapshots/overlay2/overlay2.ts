import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import { readTar } from '../../../lib/tar/reader.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { ExtractLayer, SnapshotMount, Snapshotter } from '../contract.ts'
import { directorySize } from './directory-size.ts'
import { LayerExtractor } from './layer-extractor.ts'
import { nodeCalls } from './node-calls.ts'
import { driverStatus } from './status.ts'

/**
 * Layers and container snapshots as directories for overlay mounts:
 *   <root>/<64 hex of the chain id>/{diff,layer.json}
 *   <root>/<container id>/{diff,work,merged} and a link "parent" to the layer's directory
 * Each is made and removed under a name that begins with "tmp-" and moved by one rename, so what has another name is whole.
 */
export function openOverlay2(options: { root: string; kernel: Kernel }): Snapshotter {
  mkdirSync(options.root, { recursive: true, mode: 0o710 })
  return new Overlay2(options.root, options.kernel)
}

interface Layer {
  parent: string | undefined
  size: number
}

const half = 'tmp-'

class Overlay2 implements Snapshotter {
  readonly name = 'overlay2'
  readonly #root: string
  readonly #kernel: Kernel
  readonly #layers = new Map<string, Layer>()
  /** Container snapshots and their parents. */
  readonly #snapshots = new Map<string, string | undefined>()

  constructor(root: string, kernel: Kernel) {
    this.#root = root
    this.#kernel = kernel
    for (const entry of readdirSync(root, { withFileTypes: true })) if (entry.isDirectory()) this.#recover(entry.name)
  }

  async extract({ chainId, parent, tar }: ExtractLayer): Promise<{ size: number }> {
    const known = this.#layers.get(chainId)
    if (known) return { size: known.size }
    if (parent !== undefined) this.#layer(parent)
    const temporary = this.#temporary()
    try {
      mkdirSync(join(temporary, 'diff'), { recursive: true })
      chmodSync(temporary, 0o710)
      chmodSync(join(temporary, 'diff'), 0o755)
      const extractor = new LayerExtractor(nodeCalls(this.#kernel), join(temporary, 'diff'))
      try {
        await readTar(tar, extractor)
        extractor.finish()
      } finally {
        extractor.close()
      }
      writeFileSync(join(temporary, 'layer.json'), JSON.stringify({ chainId, parent, size: extractor.size }))
      await this.#sync(temporary)
      return { size: await this.#commitLayer(temporary, chainId, { parent, size: extractor.size }) }
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  }

  hasLayer(chainId: string): boolean {
    return this.#layers.has(chainId)
  }

  async removeLayer(chainId: string): Promise<void> {
    this.#layer(chainId)
    const child = [...this.#layers].find(([, layer]) => layer.parent === chainId)?.[0] ?? [...this.#snapshots].find(([, parent]) => parent === chainId)?.[0]
    if (child !== undefined) throw new GantryError('Conflict', `cannot remove layer ${chainId}: ${child} is its child`)
    this.#layers.delete(chainId)
    await this.#discard(hexOf(chainId))
  }

  async prepare(key: string, parent: string | undefined): Promise<void> {
    checkKey(key)
    if (this.#snapshots.has(key)) throw new GantryError('Conflict', `cannot prepare snapshot ${key}: it exists`)
    if (parent !== undefined) this.#layer(parent)
    const temporary = this.#temporary()
    mkdirSync(temporary, { mode: 0o710 })
    for (const name of ['diff', 'work', 'merged']) mkdirSync(join(temporary, name))
    chmodSync(join(temporary, 'diff'), 0o755)
    // A link is metadata: file systems order it before the rename, which a file's content would need an fsync for.
    if (parent !== undefined) symlinkSync(join('..', hexOf(parent)), join(temporary, 'parent'))
    renameSync(temporary, join(this.#root, key))
    this.#snapshots.set(key, parent)
  }

  mount(key: string): SnapshotMount {
    const lower = this.#chain(this.#parent(key)).map((chainId) => join(this.#root, hexOf(chainId), 'diff'))
    const upper = join(this.#root, key, 'diff')
    if (lower.length === 0) return { type: 'bind', source: upper, readonly: false }
    return { type: 'overlay', lower, upper, work: join(this.#root, key, 'work') }
  }

  mountpoint(key: string): string {
    this.#parent(key)
    return join(this.#root, key, 'merged')
  }

  async remove(key: string): Promise<void> {
    this.#parent(key)
    const directory = join(this.#root, key)
    if (isMountpoint(directory)) throw new GantryError('Conflict', `cannot remove snapshot ${key}: it is mounted`)
    this.#snapshots.delete(key)
    await this.#discard(key)
  }

  keys(): string[] {
    return [...this.#snapshots.keys()]
  }

  graphData(key: string): Record<string, string> {
    const lower = this.#chain(this.#parent(key)).map((chainId) => join(this.#root, hexOf(chainId), 'diff'))
    const directory = join(this.#root, key)
    return graphData(directory, lower)
  }

  layerGraphData(chainId: string | undefined): Record<string, string> {
    const [top, ...below] = this.#chain(chainId)
    if (top === undefined) return {}
    return graphData(join(this.#root, hexOf(top)), below.map((chainId) => join(this.#root, hexOf(chainId), 'diff')))
  }

  async usage(key: string): Promise<number> {
    this.#parent(key)
    return await directorySize(join(this.#root, key, 'diff'))
  }

  status(): [string, string][] {
    return driverStatus(this.#root)
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

  /** One syncfs(2) for thousands of files, in another process: it may take long. */
  async #sync(path: string): Promise<void> {
    const { code, stderr } = await this.#kernel.tool(['sync', '-f', path])
    if (code !== 0) throw new GantryError('System', `cannot sync ${path}: ${stderr.trim()}`)
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

function hexOf(chainId: string): string {
  const match = /^sha256:([a-f0-9]{64})$/.exec(chainId)
  if (!match) throw new GantryError('InvalidParameter', `${JSON.stringify(chainId)} is no chain id`)
  return match[1]!
}

function checkKey(key: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(key) || key.startsWith(half)) {
    throw new GantryError('InvalidParameter', `${JSON.stringify(key)} is no snapshot key`)
  }
}
