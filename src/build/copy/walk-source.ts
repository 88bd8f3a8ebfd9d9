import type { Selection } from './selection.ts'
import type { NodeStats, SourceDirectory } from './source-node.ts'

/** One node of a source. A directory comes before what is in it, and once more when all of that has come. */
export interface SourceStep {
  kind: 'node' | 'end'
  /** Relative to the source: "a/b". */
  name: string
  /** Leads to it until the next step. */
  place: string
  stats: NodeStats
}

/** Everything that is taken below a directory, sorted, and the directories that lead to it. */
export function* walkSource(directory: SourceDirectory, selection: Selection): Generator<SourceStep, void, undefined> {
  yield* walk(directory, { selection, prefix: '', above: [] })
}

/** @param above directories that are not taken themselves and were not told yet, topmost first */
function* walk(directory: SourceDirectory, { selection, prefix, above }: { selection: Selection; prefix: string; above: SourceStep[] }): Generator<SourceStep, void, undefined> {
  for (const base of directory.names()) {
    const stats = directory.stat(base)
    if (stats === undefined) continue
    const name = `${prefix}${base}`
    const taken = selection.takes(name)
    const step: SourceStep = { kind: 'node', name, place: directory.place(base), stats }
    if (taken) {
      yield* above.splice(0)
      yield step
    }
    if (!stats.isDirectory() || (!taken && !selection.entersBelow(name))) continue
    const below = directory.open(base)
    if (below === undefined) continue
    const pending = taken ? [] : [...above, step]
    try {
      yield* walk(below, { selection, prefix: `${name}/`, above: pending })
    } finally {
      below.close()
    }
    if (!taken && pending.length === 0) above.length = 0
    if (taken || pending.length === 0) yield { ...step, kind: 'end' }
  }
}
