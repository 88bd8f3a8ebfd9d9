import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'

/** How many processes of a cgroup the kernel has killed for memory; 0 when the cgroup is gone or has no memory controller. */
export function oomKills(layout: CgroupLayout, path: string): number {
  const file = oomFile(layout, path)
  if (file === undefined) return 0
  try {
    return killsIn(readFileSync(file, 'latin1'))
  } catch {
    return 0
  }
}

/** The file that counts them; undefined without a memory controller. */
export function oomFile(layout: CgroupLayout, path: string): string | undefined {
  const hierarchy = hierarchyOf(layout, 'memory')
  return hierarchy && join(cgroupDirectory(hierarchy, path), hierarchy.version === 1 ? 'memory.oom_control' : 'memory.events')
}

/** The count in such a file's text. */
export function killsIn(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
}
