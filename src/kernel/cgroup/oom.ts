import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'

/** How many processes of a cgroup the kernel has killed for memory; 0 when the cgroup is gone or has no memory controller. */
export function oomKills(layout: CgroupLayout, path: string): number {
  const hierarchy = hierarchyOf(layout, 'memory')
  if (hierarchy === undefined) return 0
  const file = hierarchy.version === 1 ? 'memory.oom_control' : 'memory.events'
  try {
    const text = readFileSync(join(cgroupDirectory(hierarchy, path), file), 'latin1')
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}
