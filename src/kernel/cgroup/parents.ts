import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codeOf } from './code.ts'
import { checkedPath, type CgroupHierarchy, type CgroupLayout } from './layout.ts'

/**
 * Makes what lies above a cgroup ("/docker" of "/docker/<id>") in every tree and sets it up so that the cgroup
 * itself needs one mkdir: on v1 cpusets are filled in and inherited, on v2 controllers are handed down. Idempotent.
 */
export function prepareParents(layout: CgroupLayout, path: string): void {
  const parent = dirname(checkedPath(path))
  for (const hierarchy of layout.hierarchies) {
    if (hierarchy.version === 2) delegate(hierarchy, parent)
    else if (parent !== '/') makeV1(hierarchy, parent)
  }
}

function makeV1(hierarchy: CgroupHierarchy, parent: string): void {
  const directory = join(hierarchy.mountpoint, parent)
  if (existsSync(directory)) return
  const cpuset = hierarchy.controllers.includes('cpuset')
  for (const step of steps(hierarchy.mountpoint, parent)) {
    makeDirectory(step)
    if (cpuset) inheritCpuset(step)
  }
}

/** A v1 cpuset is born empty and then takes no process, unless its parent clones itself into it. */
function inheritCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const own = readFileSync(join(directory, file), 'latin1').trim()
    if (own === '') writeFileSync(join(directory, file), readFileSync(join(directory, '..', file), 'latin1').trim())
  }
  writeFileSync(join(directory, 'cgroup.clone_children'), '1')
}

function delegate(hierarchy: CgroupHierarchy, parent: string): void {
  for (const step of [hierarchy.mountpoint, ...steps(hierarchy.mountpoint, parent)]) {
    if (step !== hierarchy.mountpoint) makeDirectory(step)
    const control = join(step, 'cgroup.subtree_control')
    const has = new Set(readFileSync(control, 'latin1').trim().split(' '))
    for (const controller of hierarchy.controllers) {
      if (has.has(controller)) continue
      try {
        writeFileSync(control, `+${controller}`)
      } catch {
        // A controller that cannot be handed down is missed, if at all, by the limit that needs it.
      }
    }
  }
}

function steps(mountpoint: string, parent: string): string[] {
  const names = parent.split('/').filter((name) => name !== '')
  return names.map((_, index) => join(mountpoint, ...names.slice(0, index + 1)))
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}
