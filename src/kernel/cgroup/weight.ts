import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { detectLayout, hierarchyOf } from './layout.ts'

/** Whether the kernel can weigh block I/O: BFQ's file, which every cgroup but the top one has while BFQ is there. */
export function hasBlockIoWeight(layout = detectLayout()): boolean {
  return hasBlockIoFile({ v1: 'blkio.bfq.weight', v2: 'io.bfq.weight' }, layout)
}

/** Whether cgroups have this file of the block I/O controller. Some are not in the top one. */
export function hasBlockIoFile({ v1, v2 }: { v1: string; v2: string }, layout = detectLayout()): boolean {
  const hierarchy = hierarchyOf(layout, layout.mode === 'v2' ? 'io' : 'blkio')
  if (hierarchy === undefined) return false
  const file = hierarchy.version === 2 ? v2 : v1
  if (existsSync(join(hierarchy.mountpoint, file))) return true
  return readdirSync(hierarchy.mountpoint, { withFileTypes: true }).some((entry) => entry.isDirectory() && existsSync(join(hierarchy.mountpoint, entry.name, file)))
}
