import type { BigIntStats } from 'node:fs'
import type { Kernel } from '../../../kernel/kernel.ts'
import { OpenDirectory } from './open-directory.ts'
import { sameAttributes, type TreeStep } from './tree-step.ts'
import { readXattr } from './xattrs.ts'

interface Pair {
  kernel: Pick<Kernel, 'syscall'>
  now: OpenDirectory
  /** undefined: there was none. */
  before: OpenDirectory | undefined
  /** "" or "a/b/". */
  prefix: string
  /** Directories above that are the same and were not told yet, topmost first. */
  above: TreeStep[]
}

/** What one tree differs in from another that it began as a copy of: type, mode, owner, device, time, size, capabilities. */
export function* treeSteps(kernel: Pick<Kernel, 'syscall'>, now: string, before: string | undefined): Generator<TreeStep, void, undefined> {
  const opened = new OpenDirectory(now)
  const old = before === undefined ? undefined : new OpenDirectory(before)
  try {
    yield* compare({ kernel, now: opened, before: old, prefix: '', above: [] })
  } finally {
    opened.close()
    old?.close()
  }
}

function* compare({ kernel, now, before, prefix, above }: Pair): Generator<TreeStep, void, undefined> {
  const names = new Set([...now.names(), ...(before?.names() ?? [])])
  for (const name of [...names].toSorted()) {
    const stats = now.stat(name)
    const old = before?.stat(name)
    const path = `${prefix}${name}`
    if (stats === undefined) {
      if (old !== undefined) yield* tell(above, { path, kind: 'deleted' })
      continue
    }
    const node = { place: now.place(name), stats }
    const isSame = old !== undefined && same(kernel, { now: node.place, stats, before: before!.place(name), old })
    const kind = old === undefined ? 'added' : isSame ? 'parent' : 'modified'
    if (!isSame) yield* tell(above, { path, kind, node })
    if (!stats.isDirectory()) continue
    const below = now.open(name)
    if (below === undefined) continue
    const belowBefore = old?.isDirectory() ? before!.open(name) : undefined
    const pending = isSame ? [...above, { path, kind, node } satisfies TreeStep] : []
    try {
      yield* compare({ kernel, now: below, before: belowBefore, prefix: `${path}/`, above: pending })
    } finally {
      below.close()
      belowBefore?.close()
    }
    if (isSame && pending.length === 0) above.length = 0
  }
}

/** Parents first. */
function* tell(above: TreeStep[], step: TreeStep): Generator<TreeStep, void, undefined> {
  yield* above.splice(0)
  yield step
}

function same(kernel: Pick<Kernel, 'syscall'>, { now, stats, before, old }: { now: string; stats: BigIntStats; before: string; old: BigIntStats }): boolean {
  if (!sameAttributes(stats, old)) return false
  if (!stats.isDirectory() && stats.size !== old.size) return false
  if (!stats.isFile()) return true
  const capability = readXattr(kernel, now, 'security.capability')
  const oldCapability = readXattr(kernel, before, 'security.capability')
  return capability === undefined ? oldCapability === undefined : oldCapability?.equals(capability) === true
}
