import type { ContextArchive } from '../context/archive/context-archive.ts'
import type { CopyStep, Step } from '../plan/contract.ts'

/**
 * COPY and ADD. First `copyDigest` says what the step depends on, then, when the cache does not know it, `copyInto` does it.
 * Sources are resolved beneath their root, the destination inside its root, and no link leads out of either: both are written by strangers.
 * Errors are Docker's: `"/x": not found`, "no source files were specified", "cannot copy to non-directory: …".
 */
export interface Copier {
  /**
   * Digest over everything that the result depends on beside the parent: names, content, modes, owners, links and
   * attributes of the files that the patterns take (not their times), destination, flags; what a URL or git reference answers.
   */
  copyDigest(step: CopyStep, options: CopyOptions): Promise<string>
  /**
   * @param root host path of the step's mounted, writable root file system
   * @returns the layer as an archive where that is known without doing it: then nothing was written. Its pieces are lent until the next
   */
  copyInto(step: CopyStep, root: string, options: CopyOptions): Promise<Iterable<Uint8Array> | undefined>
}

export interface CopyOptions {
  /** Host path of the tree that a step results in, readable and unchanging until the build ends. */
  rootOf: (step: Step) => Promise<string>
  /** To unpack a layer costs no more than to change the root. */
  asArchive?: boolean
  /** What is known of a tree without its files, which `rootOf` would make. */
  archiveOf?: (step: Step) => ContextArchive | undefined
  /**
   * The tree goes away after the build, so that its files need not be copied: they may get second names. A file that has one already is
   * copied, so that in the end each has one.
   */
  disposable?: (step: Step) => boolean
  /** Where the root's file system keeps what is written to it: what is put into a directory that was not there before may be put there. */
  upper?: string
  /** Bytes so far, for progress: "transferring", "downloading". */
  progress?: (status: { id: string; current: number; total: number }) => void
  signal: AbortSignal
  /** Seconds since the epoch; file times after it are cut to it. */
  sourceDateEpoch?: number
}
