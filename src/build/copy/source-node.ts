import type { BigIntStats } from 'node:fs'

/** What COPY has to know of a source, be it a file or not yet one. */
export type NodeStats = Pick<BigIntStats, 'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'gid' | 'rdev' | 'size' | 'mtimeNs' | 'isFile' | 'isDirectory' | 'isSymbolicLink'> & { readonly ctimeNs?: bigint }

/** A directory of a source that is walked. */
export interface SourceDirectory {
  names(): string[]
  /** A path to what is in it, good as long as it is open. */
  place(name: string): string
  stat(name: string): NodeStats | undefined
  open(name: string): SourceDirectory | undefined
  close(): void
}
