import { watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'
import { oomKills } from './oom.ts'

/** v1 tells nobody by a file. */
function watchEvents(layout: CgroupLayout, path: string, changed: () => void): FSWatcher | undefined {
  const hierarchy = hierarchyOf(layout, 'memory')
  if (hierarchy?.version !== 2) return undefined
  try {
    const watcher = watch(join(cgroupDirectory(hierarchy, path), 'memory.events'), { persistent: false }, changed)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined // gone already
  }
}

const pollMilliseconds = 500

/** Calls `tell` each time that the kernel has killed for memory in a cgroup, until the answered function is called. v1, which tells nobody by a file, is asked now and then. */
export function followOom(layout: CgroupLayout, path: string, tell: () => void): () => void {
  let seen = oomKills(layout, path)
  const look = (): void => {
    const kills = oomKills(layout, path)
    if (kills > seen) tell()
    seen = Math.max(seen, kills)
  }
  const watcher = watchEvents(layout, path, look)
  const timer = watcher === undefined ? setInterval(look, pollMilliseconds).unref() : undefined
  return () => {
    look()
    watcher?.close()
    clearInterval(timer)
  }
}
