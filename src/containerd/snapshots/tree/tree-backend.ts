import type { PrepareSnapshot } from '../contract.ts'

/**
 * Where a driver keeps whole trees, one for each layer and each container: a directory, a subvolume, a thin device, a dataset. A
 * tree's id is 32 hexadecimal digits that nobody gave before.
 *
 * Life of a tree: create -> (open -> close)* -> seal -> remove. A sealed one never changes and may be the origin of others.
 */
export interface TreeBackend {
  readonly name: string
  /** Ids of all trees, half-made ones as well. */
  list(): Promise<string[]>
  /**
   * Makes a writable tree: a copy of a sealed one, or empty.
   * @throws InvalidParameter for a quota that is not possible here, with Docker's text
   */
  create(tree: string, origin: string | undefined, options: PrepareSnapshot): Promise<void>
  /** Makes its files reachable in `directory(tree)`. Idempotent, outlives the process. */
  open(tree: string): Promise<void>
  /** Takes back what `open` made. Idempotent. */
  close(tree: string): Promise<void>
  isOpen(tree: string): boolean
  directory(tree: string): string
  /** Makes it durable, and immutable where that is possible. It is open. */
  seal(tree: string): Promise<void>
  remove(tree: string): Promise<void>
  graphData(tree: string): Record<string, string>
  status(): [string, string][]
  /** Releases what is held in this process. */
  end(): Promise<void>
}
