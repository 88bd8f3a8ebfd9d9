import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'
import { codeOf } from './code.ts'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'
import { resourceWrites } from './resources.ts'
import type { CgroupWrite } from './writes.ts'

/**
 * Changes the limits of a cgroup that has processes. When one is refused, those before it are put back.
 * @throws GantryError System with the file that refused
 */
export function updateResources(layout: CgroupLayout, path: string, resources: OciResources): void {
  const done: { file: string; before: string }[] = []
  for (const planned of resourceWrites(layout, resources, { memoryAndSwap: currentMemoryAndSwap(layout, path) })) {
    const write = presentOf(planned, path)
    const file = join(cgroupDirectory(write.hierarchy, path), write.file)
    try {
      const before = readFileSync(file, 'latin1').trim()
      writeFileSync(file, write.value)
      done.push({ file, before })
    } catch (error) {
      if (write.optional === true && codeOf(error) === 'ENOENT') continue
      putBack(done)
      throw new GantryError('System', `cannot write ${write.value} to ${write.file}: ${codeOf(error) ?? String(error)}`, { cause: error })
    }
  }
}

/** The write, or the one that stands in for it. */
function presentOf(write: CgroupWrite, path: string): CgroupWrite {
  const { otherwise, hierarchy, file } = write
  return otherwise === undefined || existsSync(join(cgroupDirectory(hierarchy, path), file)) ? write : { ...write, ...otherwise }
}

/** As well as the kernel lets: the refusal itself is the error to show. */
function putBack(done: { file: string; before: string }[]): void {
  for (const { file, before } of done.toReversed()) {
    try {
      writeFileSync(file, before)
    } catch {
      // A memory limit may not go below what is used by now.
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
