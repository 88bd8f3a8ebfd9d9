import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { Kernel } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { isWhiteoutNode, opaqueXattr } from './whiteout.ts'

/** As in GET /containers/{id}/changes: 0 modified, 1 added, 2 deleted. */
export interface Change {
  Path: string
  Kind: 0 | 1 | 2
}

interface Walk {
  kernel: Kernel
  upper: string
  changes: Change[]
}

/**
 * What the upper directory of an overlay changes of the merged lower ones (topmost first), sorted by path.
 * A directory counts as modified when something in it changed or its own attributes did.
 */
export function overlayChanges(upper: string, lower: readonly string[], kernel: Kernel): Change[] {
  const walk: Walk = { kernel, upper, changes: [] }
  visit(walk, '', lower)
  return walk.changes.toSorted((a, b) => (a.Path < b.Path ? -1 : 1))
}

/** @returns did anything below `path` change? */
function visit(walk: Walk, path: string, lower: readonly string[]): boolean {
  const before = walk.changes.length
  const opaque = path !== '' && isOpaque(walk.kernel, join(walk.upper, path))
  const names = readdirSync(join(walk.upper, path))
  for (const name of names) {
    const child = `${path}/${name}`
    const stats = lstatSync(join(walk.upper, child))
    const { old, layers } = find(walk.kernel, lower, child)
    if (isWhiteoutNode(stats)) {
      if (old) walk.changes.push({ Path: child, Kind: 2 })
    } else if (old === undefined) {
      walk.changes.push({ Path: child, Kind: 1 })
      if (stats.isDirectory()) visit(walk, child, [])
    } else if (!stats.isDirectory()) {
      walk.changes.push({ Path: child, Kind: 0 })
    } else {
      const changed = visit(walk, child, old.isDirectory() ? layers : [])
      if (changed || !sameAttributes(stats, old)) walk.changes.push({ Path: child, Kind: 0 })
    }
  }
  if (opaque) hidden(walk, path, lower, new Set(names))
  return walk.changes.length > before
}

/** An opaque directory deletes every lower name that it does not have itself. */
function hidden(walk: Walk, path: string, lower: readonly string[], present: Set<string>): void {
  for (const directory of lower) {
    if (!lstatSync(join(directory, path), { throwIfNoEntry: false })?.isDirectory()) continue
    for (const name of readdirSync(join(directory, path))) {
      if (present.has(name)) continue
      present.add(name)
      if (find(walk.kernel, lower, `${path}/${name}`).old) walk.changes.push({ Path: `${path}/${name}`, Kind: 2 })
    }
  }
}

/** The node of the merged lower directories, and those of them that make up the directory that it is. */
function find(kernel: Kernel, lower: readonly string[], path: string): { old: Stats | undefined; layers: string[] } {
  let old: Stats | undefined
  const layers: string[] = []
  for (const directory of lower) {
    const stats = lstatSync(join(directory, path), { throwIfNoEntry: false })
    if (stats === undefined) continue
    if (isWhiteoutNode(stats) || (old !== undefined && !stats.isDirectory())) break
    old ??= stats
    if (!stats.isDirectory()) break
    layers.push(directory)
    if (isOpaque(kernel, join(directory, path))) break
  }
  return { old, layers }
}

function sameAttributes(a: Stats, b: Stats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtimeMs === b.mtimeMs
}

function isOpaque(kernel: Kernel, path: string): boolean {
  const value = Buffer.alloc(1)
  const length = kernel.syscall(nr('lgetxattr'), path, opaqueXattr.name, value, value.length)
  return length === 1 && value.equals(opaqueXattr.value)
}
