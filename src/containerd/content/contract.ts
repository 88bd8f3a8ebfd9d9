import type { Readable } from 'node:stream'

/**
 * Content: immutable blobs by digest ("sha256:<64 hex>"). A blob is fsynced before it can be seen, its digest is
 * verified on the way in, and it appears whole or not at all.
 * Errors: NotFound for an unknown digest; InvalidParameter "content digest … does not match …".
 */
export interface ContentStore {
  has(digest: string): boolean
  size(digest: string): number
  read(digest: string): Readable
  readAll(digest: string): Promise<Buffer>
  /** Takes a stream in. `expected` is verified when given. */
  write(source: AsyncIterable<Uint8Array>, expected?: string): Promise<{ digest: string; size: number }>
  remove(digest: string): Promise<void>
  list(): Promise<string[]>
}
