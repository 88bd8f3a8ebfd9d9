import type { BigIntStats } from 'node:fs'
import type { Change } from '../contract.ts'

/**
 * One step of a walk over what a tree differs in from its parent; directories come before what is in them. "parent" is a
 * directory that is the same in both and has differences below.
 */
export interface TreeStep {
  /** Relative to the root: "a/b". */
  path: string
  kind: 'added' | 'modified' | 'deleted' | 'parent'
  /** Unless deleted. `place` leads to it until the next step. */
  node?: { place: string; stats: BigIntStats }
}

/** The steps as the Engine API tells them: a directory counts as modified when something in it did change. */
export function changesOf(steps: Iterable<TreeStep>): Change[] {
  const changes = new Map<string, Change>()
  const kinds = { modified: 0, added: 1, deleted: 2 } as const
  for (const { path, kind } of steps) {
    if (kind === 'parent') continue
    changes.set(path, { Path: `/${path}`, Kind: kinds[kind] })
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash)
      if (changes.has(parent)) break
      changes.set(parent, { Path: `/${parent}`, Kind: 0 })
    }
  }
  return [...changes.values()].toSorted((a, b) => (a.Path < b.Path ? -1 : 1))
}

/** Are two nodes of the same type alike in what stat(2) says, the times of directories included? */
export function sameAttributes(a: BigIntStats, b: BigIntStats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.rdev === b.rdev && a.mtimeNs === b.mtimeNs
}
