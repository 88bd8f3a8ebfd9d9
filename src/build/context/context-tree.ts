import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { Pace } from '../../lib/pace.ts'
import { unpackStream } from '../copy/unpack-archive.ts'
import { ofRoot } from './of-root.ts'
import { removeTree } from './remove-tree.ts'

/** What a build is from, in a directory of its own, as it came. */
export interface ContextTree {
  root: string
  /** A URL was that of a Dockerfile, which is all there is. */
  dockerfileText?: string
  remove(): Promise<void>
}

export interface TreeOptions {
  kernel: Kernel
  /** Contexts get their directories here; it has to be private. */
  parent: string
  signal: AbortSignal
}

/**
 * Unpacks the tar archive of a context, plain or compressed. Everything belongs to root, as with Docker; no member and no link leads out.
 * @throws InvalidParameter for a malformed archive; nothing is left then
 */
export async function receiveTree(stream: AsyncIterable<Uint8Array>, options: TreeOptions): Promise<ContextTree> {
  return await madeTree(options, async (root) => {
    try {
      await unpackStream(options.kernel, { stream, directory: root, pace: new Pace(options.signal), through: ofRoot })
    } catch (error) {
      throw archiveFailure(error, options.signal)
    }
  })
}

/** Docker's words for an archive that cannot be unpacked. */
export function archiveFailure(error: unknown, signal: AbortSignal): unknown {
  return error instanceof GantryError && !signal.aborted ? new GantryError(error.kind, `Error processing tar file(exit status 1): ${messageOf(error)}`, { cause: error }) : error
}

/** A context whose files `fill` puts into its new directory. */
export async function madeTree({ parent }: TreeOptions, fill: (root: string) => Promise<void>): Promise<ContextTree> {
  const root = path.join(parent, randomUUID())
  const remove = (): Promise<void> => removeTree(root)
  await mkdir(root, { recursive: true, mode: 0o755 })
  try {
    await fill(root)
    return { root, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
