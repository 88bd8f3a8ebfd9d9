import { rmdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from './code.ts'
import { cgroupDirectory, type CgroupLayout } from './layout.ts'
import { tree } from './processes.ts'

/**
 * Removes a cgroup and all below it from every tree. Idempotent. The last processes of a cgroup leave it a moment after
 * they were reaped, so a busy one is tried again, for about two seconds in all.
 * @throws the EBUSY of node:fs when it still holds processes then
 */
export async function removeCgroup(layout: CgroupLayout, path: string): Promise<void> {
  for (const hierarchy of layout.hierarchies) {
    for (let attempt = 0; ; attempt++) {
      try {
        const directory = cgroupDirectory(hierarchy, path)
        if (attempt === 0 && removeAtOnce(directory)) break
        for (const each of tree(directory)) removeDirectory(each)
        break
      } catch (error) {
        if (codeOf(error) !== 'EBUSY' || attempt >= 50) throw error
        await sleep(Math.min(1 + attempt, 60))
      }
    }
  }
}

/** Removes a cgroup from every tree in which nothing is in it: no process, no cgroup of anybody's. */
export function removeIfEmpty(layout: CgroupLayout, path: string): void {
  for (const hierarchy of layout.hierarchies) {
    try {
      rmdirSync(cgroupDirectory(hierarchy, path))
    } catch {
      // It is in use, or not there.
    }
  }
}

/** Nearly always there is nothing below it. */
function removeAtOnce(directory: string): boolean {
  try {
    removeDirectory(directory)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EBUSY' && codeOf(error) !== 'ENOTEMPTY') throw error
    return false
  }
}

function removeDirectory(directory: string): void {
  try {
    rmdirSync(directory)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENODEV') throw error
  }
}
