import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codeOf } from './code.ts'
import { checkedPath, type CgroupHierarchy, type CgroupLayout } from './layout.ts'

/**
 * Makes what lies above a cgroup ("/docker" of "/docker/<id>") in every tree, so that the cgroup itself needs one mkdir: on
 * v2 controllers are handed down, on v1 cpusets are inherited; under a parent that does not (the top, or one that somebody
 * else made) the cpuset is made here. Idempotent.
 */
export function prepareParents(layout: CgroupLayout, path: string): void {
  const own = checkedPath(path)
  const parent = dirname(own)
  for (const hierarchy of layout.hierarchies) {
    if (hierarchy.version === 2) delegate(hierarchy, parent)
    else if (hierarchy.controllers.includes('cpuset')) makeCpuset(hierarchy, parent, own)
    else for (const step of steps(hierarchy, parent)) makeDirectory(step)
  }
}

function makeCpuset(hierarchy: CgroupHierarchy, parent: string, own: string): void {
  for (const step of steps(hierarchy, parent)) if (makeDirectory(step)) inheritCpuset(step)
  const inherits = readFileSync(join(hierarchy.mountpoint, parent, 'cgroup.clone_children'), 'latin1').trim() === '1'
  if (inherits) return
  makeDirectory(join(hierarchy.mountpoint, own))
  inheritCpuset(join(hierarchy.mountpoint, own))
}

/** A v1 cpuset is born empty and then takes no process, unless its parent clones itself into it. */
function inheritCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const own = readFileSync(join(directory, file), 'latin1').trim()
    if (own === '') writeFileSync(join(directory, file), readFileSync(join(directory, '..', file), 'latin1').trim())
  }
  const clone = join(directory, 'cgroup.clone_children')
  if (readFileSync(clone, 'latin1').trim() !== '1') writeFileSync(clone, '1')
}

function delegate(hierarchy: CgroupHierarchy, parent: string): void {
  for (const step of [hierarchy.mountpoint, ...steps(hierarchy, parent)]) {
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

function steps({ mountpoint }: CgroupHierarchy, parent: string): string[] {
  const names = parent.split('/').filter((name) => name !== '')
  return names.map((_, index) => [mountpoint, ...names.slice(0, index + 1)].join('/'))
}

/** @returns whether it was not there */
function makeDirectory(path: string): boolean {
  if (existsSync(path)) return false
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return false
  }
}
