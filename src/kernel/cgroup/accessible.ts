import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { isRootless } from '../host-user.ts'
import { cgroupDirectory, type CgroupLayout } from './layout.ts'

/**
 * The trees in which an ordinary user may make a cgroup, because it or what lies above it was handed over to him; for root all of
 * them. A container is in the others where its maker is; a limit that only they could hold is refused.
 */
export function accessibleLayout(layout: CgroupLayout, path: string, rootless: boolean = isRootless()): CgroupLayout {
  if (!rootless) return layout
  return { ...layout, hierarchies: layout.hierarchies.filter((hierarchy) => canMake(cgroupDirectory(hierarchy, path), hierarchy.mountpoint)) }
}

function canMake(directory: string, top: string): boolean {
  let place = directory
  while (place.length > top.length && !existsSync(place)) place = dirname(place)
  try {
    accessSync(place, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
