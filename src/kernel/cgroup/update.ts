import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'
import { codeOf } from './code.ts'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'
import { resourceWrites } from './resources.ts'

/** Changes the limits of a cgroup that has processes. @throws GantryError System with the file that refused */
export function updateResources(layout: CgroupLayout, path: string, resources: OciResources): void {
  for (const write of resourceWrites(layout, resources, { memoryAndSwap: currentMemoryAndSwap(layout, path) })) {
    const file = join(cgroupDirectory(write.hierarchy, path), write.file)
    try {
      writeFileSync(file, write.value)
    } catch (error) {
      if (write.optional === true && codeOf(error) === 'ENOENT') continue
      throw new GantryError('System', `cannot write ${write.value} to ${write.file}: ${codeOf(error) ?? String(error)}`, { cause: error })
    }
  }
}

function currentMemoryAndSwap(layout: CgroupLayout, path: string): number | undefined {
  const hierarchy = hierarchyOf(layout, 'memory')
  if (hierarchy === undefined || hierarchy.version === 2) return undefined
  try {
    return Number(readFileSync(join(cgroupDirectory(hierarchy, path), 'memory.memsw.limit_in_bytes'), 'latin1'))
  } catch {
    return undefined
  }
}
