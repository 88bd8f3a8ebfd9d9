import path from 'node:path/posix'
import type { Pace } from '../../lib/pace.ts'
import { blockSize } from '../../lib/tar/entry.ts'
import { encodeHeader } from '../../lib/tar/writer.ts'
import type { ArchiveNode } from '../context/archive/archive-node.ts'
import type { ContextArchive } from '../context/archive/context-archive.ts'
import { HasToBeDone, type LayerPlan, type PlannedMember } from './layer-plan.ts'
import type { Selection } from './selection.ts'
import type { Source } from './source-tree.ts'
import type { ArchiveSource } from './archive-source.ts'
import type { TargetTree } from './target-tree.ts'
import { walkSource } from './walk-source.ts'

export interface ArchivedSource {
  source: Source
  selection: Selection
}

/**
 * Plans what `placeSource` would do with each of the sources, one after the other.
 * @throws HasToBeDone where that would fail, or do more than put things into directories
 */
export async function planSources(plan: LayerPlan, sources: readonly ArchivedSource[], { tree, destination, target, pace }: { tree: ArchiveSource; destination: string; target: TargetTree; pace: Pace }): Promise<void> {
  const first = target.resolve(destination)
  // A destination that an earlier source is, is none that can be looked up in the tree.
  if (sources.length > 1 && !destination.endsWith('/') && plan.kind(first) !== 'directory') throw new HasToBeDone()
  for (const { source, selection } of sources) {
    plan.makeDirectory(target.resolve(destination.endsWith('/') ? destination : path.dirname(destination)))
    if (source.stats.isDirectory()) {
      plan.makeDirectory(first)
      await planContents(plan, source, { tree, selection, resolved: first, pace })
      continue
    }
    const name = path.basename(source.named)
    const place = plan.kind(first) === 'directory' ? path.join(first, name) : first
    if (!selection.takes(name)) continue
    plan.makeDirectory(path.dirname(place))
    plan.other(place, source.stats as ArchiveNode, undefined)
  }
}

async function planContents(plan: LayerPlan, source: Source, { tree, selection, resolved, pace }: { tree: ArchiveSource; selection: Selection; resolved: string; pace: Pace }): Promise<void> {
  const firstNames = new Map<ArchiveNode, string>()
  for (const { kind, name, stats } of walkSource(tree.openDirectory(source.real), selection)) {
    if (kind === 'end') continue
    await pace.rest()
    const node = stats as ArchiveNode
    const shown = path.join(resolved, name)
    if (node.isDirectory()) {
      plan.directory(shown, node, selection.partial)
      continue
    }
    plan.other(shown, node, firstNames.get(node))
    if (node.nlink > 1n) firstNames.set(node, shown)
  }
}

const pieceSize = 256 << 10

/** The archive of a layer; each piece is lent until the next. */
export function* layerPieces(members: Iterable<PlannedMember>, { content }: Pick<ContextArchive, 'content'>): Generator<Buffer, void, undefined> {
  const piece = Buffer.alloc(pieceSize)
  let filled = 0
  for (const { entry, node } of members) {
    const header = encodeHeader(entry)
    if (filled + header.length > pieceSize) {
      yield piece.subarray(0, filled)
      filled = 0
    }
    if (header.length > pieceSize) yield header
    else filled += header.copy(piece, filled)
    const length = node?.length ?? 0
    for (let at = 0; at < length; ) {
      if (filled === pieceSize) {
        yield piece
        filled = 0
      }
      const taken = Math.min(length - at, pieceSize - filled)
      content(node!, at, taken).copy(piece, filled)
      filled += taken
      at += taken
    }
    const padding = (blockSize - (length % blockSize)) % blockSize
    // A piece is whole blocks, so that the padding fits.
    piece.fill(0, filled, filled + padding)
    filled += padding
  }
  yield piece.subarray(0, filled)
  yield Buffer.alloc(2 * blockSize)
}
