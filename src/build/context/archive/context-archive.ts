import { mkdirSync } from 'node:fs'
import { LayerExtractor } from '../../../containerd/snapshots/tree/layer-extractor.ts'
import { nodeCalls } from '../../../containerd/snapshots/tree/node-calls.ts'
import { decompressed } from '../../../containerd/images/decompress.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Pace } from '../../../lib/pace.ts'
import { TarReader } from '../../../lib/tar/reader.ts'
import { plainNames } from '../../copy/unpack-archive.ts'
import { ofRoot } from '../of-root.ts'
import { ArchiveReceiver } from './archive-receiver.ts'
import type { ArchiveNode } from './archive-node.ts'
import type { ArchiveTree } from './archive-tree.ts'
import { giveMembers } from './give-members.ts'
import { Spool } from './spool.ts'

/** A context that is known without being unpacked: COPY takes what it needs out of it. */
export interface ContextArchive {
  readonly tree: ArchiveTree
  /** Lent until the next call. Of large files in pieces: `offset` and `length` count in the file. */
  content: (node: ArchiveNode, offset: number, length: number) => Buffer
  /** Makes the files, for those who have to see them; any number of times. */
  unpack(): Promise<void>
  /** Whatever was made of it is the caller's to remove. */
  close(): void
}

interface Receive {
  kernel: Kernel
  /** A private directory that is there, for the spool. */
  parent: string
  /** Where it is unpacked to, if it has to be; not there yet. */
  root: string
  signal: AbortSignal
}

/** @returns undefined when it had to be unpacked on the way: then it is at `root`. @throws InvalidParameter for a malformed archive */
export async function receiveArchive(stream: AsyncIterable<Uint8Array>, { kernel, parent, root, signal }: Receive): Promise<ContextArchive | undefined> {
  const spool = new Spool(parent)
  let extractor: LayerExtractor | undefined
  const open = (): LayerExtractor => {
    mkdirSync(root, { mode: 0o755 })
    return new LayerExtractor({ calls: nodeCalls(kernel), style: plainNames, directory: root })
  }
  const receiver = new ArchiveReceiver(spool, () => (extractor = open()))
  const pace = new Pace(signal)
  let isKept = false
  try {
    const reader = new TarReader(ofRoot(receiver))
    for await (const chunk of decompressed(stream)) {
      reader.push(chunk)
      await (receiver.handOn(pace) ?? pace.rest())
    }
    reader.finish()
    extractor?.finish()
    if (receiver.isHandedOn) return undefined
    isKept = true
  } finally {
    extractor?.close()
    if (!isKept) spool.close()
  }
  const { tree } = receiver
  let unpacked: Promise<void> | undefined
  const unpack = async (): Promise<void> => {
    const made = open()
    try {
      await giveMembers(tree, spool, { handler: made, pace: new Pace(signal) })
      made.finish()
    } finally {
      made.close()
    }
  }
  return {
    tree,
    content: (node, offset, length) => spool.read(node.at + offset, length),
    unpack: () => (unpacked ??= unpack()),
    close: () => spool.close(),
  }
}
