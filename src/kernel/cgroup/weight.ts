import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { detectLayout, hierarchyOf } from './layout.ts'

/** Whether the kernel can weigh block I/O: BFQ's file, which every cgroup but the top one has while BFQ is there. */
export function hasBlockIoWeight(layout = detectLayout()): boolean {
  const hierarchy = hierarchyOf(layout, layout.mode === 'v2' ? 'io' : 'blkio')
  if (hierarchy === undefined) return false
  const file = hierarchy.version === 2 ? 'io.bfq.weight' : 'blkio.bfq.weight'
  return readdirSync(hierarchy.mountpoint, { withFileTypes: true }).some((entry) => entry.isDirectory() && existsSync(join(hierarchy.mountpoint, entry.name, file)))
}
