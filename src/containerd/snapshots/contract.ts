/**
 * Snapshots: layered file-system trees.
 *
 * A *layer* is an immutable, committed snapshot, named by its chain id ("sha256:…", OCI image-spec "Layer ChainID").
 * A *container snapshot* is a writable child of a layer (or of nothing), named by the container's id.
 *
 * Lifecycle of a layer: `extract` reads an uncompressed tar and commits; it appears whole or not at all, and is
 * idempotent by chain id. Lifecycle of a container snapshot: prepare -> (mounted and unmounted by the task
 * service) -> remove.
 * Errors: NotFound for an unknown parent or key; Conflict for prepare of an existing key and for removing a layer that has children.
 * After a kill at any point the next `open` removes what is half made.
 */
export interface Snapshotter {
  /** Docker's name of the driver: "overlay2", "vfs", … */
  readonly name: string
  /** Unpacks a tar (applying OCI whiteouts) over `parent`. @returns bytes written. */
  extract(request: ExtractLayer): Promise<{ size: number }>
  hasLayer(chainId: string): boolean
  removeLayer(chainId: string): Promise<void>
  prepare(key: string, parent: string | undefined): Promise<void>
  /** How to mount the container snapshot. */
  mount(key: string): SnapshotMount
  /** Where the task service mounts it. */
  mountpoint(key: string): string
  remove(key: string): Promise<void>
  /** Keys of all container snapshots, for sweeping orphans. */
  keys(): string[]
  /** inspect's GraphDriver.Data (LowerDir, MergedDir, UpperDir, WorkDir for overlay2). */
  graphData(key: string): Record<string, string>
  layerGraphData(chainId: string | undefined): Record<string, string>
  /** Bytes in the container's writable layer. */
  usage(key: string): Promise<number>
  /** info's DriverStatus rows. */
  status(): [string, string][]
}

export interface ExtractLayer {
  chainId: string
  parent: string | undefined
  /** Uncompressed tar. */
  tar: AsyncIterable<Uint8Array>
}

/** A mount by the fd-based mount API: file-system type and its parameters, or a bind of a directory. */
export type SnapshotMount =
  | { type: 'overlay'; lower: string[]; upper: string; work: string; options?: string[] }
  | { type: 'bind'; source: string; readonly: boolean }
