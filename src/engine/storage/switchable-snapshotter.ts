import type { Change, ExtractLayer, PrepareSnapshot, SnapshotMount, Snapshotter } from '../../containerd/snapshots/contract.ts'

/** A snapshotter in front of another one, which can be exchanged while the engine runs. */
export class SwitchableSnapshotter implements Snapshotter {
  #current: Snapshotter
  #gate: Promise<void> | undefined

  constructor(first: Snapshotter) {
    this.#current = first
  }

  get current(): Snapshotter {
    return this.#current
  }

  get name(): string {
    return this.#current.name
  }

  /** What changes anything waits from now on. @returns what lets it go on, with another one if that is given; to be called once */
  pause(): (next?: Snapshotter) => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return (next) => {
      this.#current = next ?? this.#current
      this.#gate = undefined
      resolve()
    }
  }

  async extract(request: ExtractLayer): Promise<{ size: number }> {
    await this.#gate
    return this.#current.extract(request)
  }

  async removeLayer(chainId: string): Promise<void> {
    await this.#gate
    return this.#current.removeLayer(chainId)
  }

  async prepare(key: string, parent: string | undefined, options?: PrepareSnapshot): Promise<void> {
    await this.#gate
    return this.#current.prepare(key, parent, options)
  }

  async activate(key: string): Promise<void> {
    await this.#gate
    return this.#current.activate(key)
  }

  async deactivate(key: string): Promise<void> {
    await this.#gate
    return this.#current.deactivate(key)
  }

  async remove(key: string): Promise<void> {
    await this.#gate
    return this.#current.remove(key)
  }

  async commit(key: string, chainId: string): Promise<{ size: number } | undefined> {
    await this.#gate
    return this.#current.commit(key, chainId)
  }

  suspects(): Promise<string[]> {
    return this.#current.suspects()
  }

  compare(chainId: string, tar: AsyncIterable<Uint8Array>): Promise<string[]> {
    return this.#current.compare(chainId, tar)
  }

  hasLayer(chainId: string): boolean {
    return this.#current.hasLayer(chainId)
  }

  layers(): string[] {
    return this.#current.layers()
  }

  layerSize(chainId: string): number {
    return this.#current.layerSize(chainId)
  }

  mount(key: string): SnapshotMount {
    return this.#current.mount(key)
  }

  mountpoint(key: string): string {
    return this.#current.mountpoint(key)
  }

  keys(): string[] {
    return this.#current.keys()
  }

  changes(key: string): Promise<Change[]> {
    return this.#current.changes(key)
  }

  diff(key: string): AsyncIterable<Uint8Array> {
    return this.#current.diff(key)
  }

  graphData(key: string): Record<string, string> {
    return this.#current.graphData(key)
  }

  layerGraphData(chainId: string | undefined): Record<string, string> {
    return this.#current.layerGraphData(chainId)
  }

  usage(key: string): Promise<number> {
    return this.#current.usage(key)
  }

  status(): [string, string][] {
    return this.#current.status()
  }

  async close(): Promise<void> {
    await this.#gate
    return this.#current.close()
  }
}
