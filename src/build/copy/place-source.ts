import { closeSync } from 'node:fs'
import path from 'node:path/posix'
import { OpenDirectory } from '../../containerd/snapshots/tree/open-directory.ts'
import { GantryError } from '../../lib/errors.ts'
import type { NodeWriter } from './node-writer.ts'
import type { Selection } from './selection.ts'
import type { FileTree, Source } from './source-tree.ts'
import type { TargetTree } from './target-tree.ts'
import { walkSource } from './walk-source.ts'

interface Placing {
  tree: FileTree
  target: TargetTree
  writer: NodeWriter
  selection: Selection
  /** As in the instruction: ends with "/" when it has to be a directory. */
  destination: string
}

/** Where a source comes to lie: a file under its own name when the destination is a directory, the contents of a directory in the destination. */
export async function placeSource(source: Source, placing: Placing): Promise<void> {
  const { target, destination } = placing
  const fresh = target.stat(target.resolve(destination)) === undefined
  target.makeDirectory(target.resolve(destination.endsWith('/') ? destination : path.dirname(destination)))
  const resolved = target.resolve(destination)
  const existing = target.stat(resolved)
  if (source.stats.isDirectory()) {
    if (existing !== undefined && !existing.isDirectory()) throw new GantryError('InvalidParameter', `cannot copy to non-directory: ${resolved}`)
    target.makeDirectory(resolved)
    return await placeContents(source, { resolved, fresh }, placing)
  }
  const name = path.basename(source.named)
  const place = existing?.isDirectory() ? path.join(resolved, name) : resolved
  if (placing.selection.takes(name)) await placeFile(source, place, placing)
}

async function placeFile(source: Source, real: string, { tree, target, writer }: Placing): Promise<void> {
  target.makeDirectory(path.dirname(real))
  const from = tree.openDirectory(path.dirname(source.real))
  const to = target.open(path.dirname(real))
  try {
    await writer.write({ place: from.place(path.basename(source.real)), stats: source.stats }, { to: `/proc/self/fd/${to}/${path.basename(real)}`, shown: real })
    target.touched(path.dirname(real))
  } finally {
    closeSync(to)
    from.close()
  }
}

/** What is in a fresh directory, the layers below cannot have: an overlay need not be asked for each file. */
async function placeContents(source: Source, { resolved, fresh }: { resolved: string; fresh: boolean }, { tree, target, writer, selection }: Placing): Promise<void> {
  const directory = tree.openDirectory(source.real)
  const upper = fresh ? target.upper : undefined
  if (upper !== undefined) writer.beneath(upper)
  const open = [new OpenDirectory(`${upper ?? target.root}${resolved}`)]
  const made: boolean[] = []
  try {
    for (const { kind, name, place, stats } of walkSource(directory, selection)) {
      const base = path.basename(name)
      const shown = path.join(resolved, name)
      if (kind === 'end') {
        open.pop()!.close()
        // A directory on the way to what is taken keeps what it had.
        if (made.pop()! || !selection.partial) writer.attributes({ place, stats }, open.at(-1)!.place(base))
        else target.touched(shown)
        continue
      }
      const to = open.at(-1)!.place(base)
      target.touched(path.dirname(shown))
      if (stats.isDirectory()) {
        made.push(writer.directory(to, shown))
        const below = open.at(-1)!.open(base)
        if (below === undefined) throw new GantryError('InvalidParameter', `cannot copy to non-directory: ${shown}`)
        open.push(below)
      } else await writer.write({ place, stats }, { to, shown, fresh: made.at(-1) ?? fresh })
    }
  } finally {
    for (const opened of open) opened.close()
    directory.close()
  }
}
