import { lstatSync, readdirSync, type BigIntStats } from 'node:fs'
import type { Kernel } from '../../../kernel/kernel.ts'
import { decodeName, fsPath } from '../../../lib/tar/member-name.ts'
import { OpenDirectory } from '../tree/open-directory.ts'
import { sameAttributes, type TreeStep } from '../tree/tree-step.ts'
import { isWhiteoutNode, opaqueXattr, whiteoutOf } from '../tree/whiteout.ts'
import { readXattr } from '../tree/xattrs.ts'

interface Walk {
  kernel: Pick<Kernel, 'syscall'>
  directory: OpenDirectory
  /** "" or "a/b/". */
  prefix: string
  /** The lower directories that make up the same directory, topmost first. */
  lower: readonly string[]
  /** Nothing of the lower directories shows through. */
  opaque: boolean
  marks: WhiteoutMarks
}

/** How the upper directory says that something is gone: by nodes and attributes alone, or, of a FUSE server, by files named ".wh." too. */
export type WhiteoutMarks = 'nodes' | 'files too'

/** What the upper directory of an overlay changes of the merged lower ones (topmost first). */
export function* overlaySteps(kernel: Pick<Kernel, 'syscall'>, upper: string, { lower, marks }: { lower: readonly string[]; marks: WhiteoutMarks }): Generator<TreeStep, void, undefined> {
  const directory = new OpenDirectory(upper)
  try {
    yield* visit({ kernel, directory, prefix: '', lower, opaque: false, marks })
  } finally {
    directory.close()
  }
}

function* visit(walk: Walk): Generator<TreeStep, void, undefined> {
  const { directory, lower, opaque } = walk
  const names = directory.names()
  const marked = walk.marks === 'files too' ? names.flatMap((name) => whiteoutOf(name) ?? []) : []
  const own = new Set(walk.marks === 'files too' ? names.filter((name) => whiteoutOf(name) === undefined) : names)
  const hidesAll = opaque || marked.includes('opaque')
  const hidden = (hidesAll || marked.length > 0 ? lowerNames(walk.kernel, lower) : []).filter((name) => !own.has(name) && (hidesAll || marked.includes(`/${name}`)))
  for (const name of [...own, ...hidden].toSorted()) {
    if (own.has(name)) yield* visitName({ ...walk, opaque: hidesAll }, name)
    else yield { path: `${walk.prefix}${name}`, kind: 'deleted' }
  }
}

function* visitName({ kernel, directory, prefix, lower, opaque, marks }: Walk, name: string): Generator<TreeStep, void, undefined> {
  const stats = directory.stat(name)
  if (stats === undefined) return
  const path = `${prefix}${name}`
  const { old, directories } = find(kernel, lower, name)
  if (isWhiteoutNode(stats)) {
    if (old) yield { path, kind: 'deleted' }
    return
  }
  const node = { place: directory.place(name), stats }
  const wasDirectory = old?.isDirectory() === true
  if (old === undefined) yield { path, kind: 'added', node }
  else if (wasDirectory && stats.isDirectory() && sameAttributes(stats, old)) yield { path, kind: 'parent', node }
  else yield { path, kind: 'modified', node }
  if (!stats.isDirectory()) return
  const below = directory.open(name)
  if (below === undefined) return
  try {
    const isOpaque = opaque || readXattr(kernel, directory.place(name), opaqueXattr.name)?.equals(opaqueXattr.value) === true
    yield* visit({ kernel, directory: below, prefix: `${path}/`, lower: wasDirectory ? directories : [], opaque: isOpaque, marks })
  } finally {
    below.close()
  }
}

/** The node of the merged lower directories, and those that make up the directory that it is. */
function find(kernel: Pick<Kernel, 'syscall'>, lower: readonly string[], name: string): { old: BigIntStats | undefined; directories: string[] } {
  let old: BigIntStats | undefined
  const directories: string[] = []
  for (const directory of lower) {
    const path = `${directory}/${name}`
    const stats = lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false })
    if (stats === undefined) continue
    if (isWhiteoutNode(stats) || (old !== undefined && !stats.isDirectory())) break
    old ??= stats
    if (!stats.isDirectory()) break
    directories.push(path)
    if (readXattr(kernel, path, opaqueXattr.name)?.equals(opaqueXattr.value)) break
  }
  return { old, directories }
}

function lowerNames(kernel: Pick<Kernel, 'syscall'>, lower: readonly string[]): string[] {
  const names = new Set(lower.flatMap((directory) => readdirSync(fsPath(directory), { encoding: 'buffer' }).map(decodeName)))
  return [...names].filter((name) => find(kernel, lower, name).old !== undefined)
}
