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
  /** Chain ids of all committed layers. */
  layers(): string[]
  /** Bytes of one layer, uncompressed; 0 for one that is not there. */
  layerSize(chainId: string): number
  removeLayer(chainId: string): Promise<void>
  /**
   * A quick look at what is there of every layer. @returns chain ids of those whose tree is gone, or whose files are not as many bytes as
   * were unpacked; they may be whole all the same. Where a tree has the files of its parents too, only those without a parent are counted.
   */
  suspects(): Promise<string[]>
  /** Compares a layer's files with its uncompressed tar. @returns what differs, "path: how"; nothing for an intact layer */
  compare(chainId: string, tar: AsyncIterable<Uint8Array>): Promise<string[]>
  /** @throws InvalidParameter for a quota where the file system has none, with Docker's text */
  prepare(key: string, parent: string | undefined, options?: PrepareSnapshot): Promise<void>
  /**
   * Makes `mount(key)` mountable: maps a device, starts a FUSE server, mounts a dataset. Idempotent; nothing to do for
   * overlay2, vfs and btrfs. What it made survives the daemon and is undone by `deactivate` or `remove`: who finds after a
   * restart that a container does not run deactivates it.
   */
  activate(key: string): Promise<void>
  deactivate(key: string): Promise<void>
  /** How to mount the container snapshot, once it is activated. */
  mount(key: string): SnapshotMount
  /** Where the task service mounts it. */
  mountpoint(key: string): string
  remove(key: string): Promise<void>
  /** Keys of all container snapshots, for sweeping orphans. */
  keys(): string[]
  /** What the container snapshot differs in from its parent, sorted by path, mount points of the engine included. Activates as needed. */
  changes(key: string): Promise<Change[]>
  /** The same as a layer: an uncompressed tar with OCI whiteouts and parents before children. */
  diff(key: string): AsyncIterable<Uint8Array>
  /**
   * Makes a container snapshot the layer that its `diff` is, without unpacking that: the snapshot is gone then. It is unmounted and
   * deactivated. Idempotent by chain id, and at a kill there is the layer, or neither of them.
   * @returns undefined when this driver has to be given the tar (`extract`): the snapshot is as it was
   */
  commit(key: string, chainId: string): Promise<{ size: number } | undefined>
  /** inspect's GraphDriver.Data (LowerDir, MergedDir, UpperDir, WorkDir for overlay2). */
  graphData(key: string): Record<string, string>
  layerGraphData(chainId: string | undefined): Record<string, string>
  /** Bytes in the container's writable layer. */
  usage(key: string): Promise<number>
  /** info's DriverStatus rows. */
  status(): [string, string][]
  /** Releases what the driver holds in this process; containers stay. */
  close(): Promise<void>
}

/** Bytes of a layer by its chain id. */
export type LayerSize = Snapshotter['layerSize']

export interface PrepareSnapshot {
  /** `--storage-opt size=`: bytes the container may write. */
  quota?: number
}

/** A path is absolute in the container. Kind 0 modified, 1 added, 2 deleted (Engine API, ContainerChanges). */
export interface Change {
  Path: string
  Kind: 0 | 1 | 2
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
