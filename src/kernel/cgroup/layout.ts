import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../lib/errors.ts'

/**
 * How a host arranges control groups (man 7 cgroups):
 *   v2      one tree, mounted as cgroup2, holds every controller
 *   v1      one tree for each controller or set of controllers
 *   hybrid  v1, and beside it an (often empty) cgroup2 tree
 */
export interface CgroupLayout {
  mode: 'v1' | 'hybrid' | 'v2'
  /** Directory that holds the trees; for v2 the tree itself. */
  root: string
  hierarchies: CgroupHierarchy[]
}

/** One mounted tree. */
export interface CgroupHierarchy {
  version: 1 | 2
  /** Name of the mount point below the root: "memory", "cpu,cpuacct", "systemd", "unified"; "" for v2. */
  name: string
  mountpoint: string
  /** v1: what the mount names, `name=systemd` included. v2: what `cgroup.controllers` of its top lists. */
  controllers: string[]
}

interface MountRow {
  mountpoint: string
  type: string
  superOptions: string[]
}

/** Reads the layout of the host from the mount table. @throws GantryError Unavailable when no tree is mounted */
export function detectLayout(
  mountinfo: string = readFileSync('/proc/self/mountinfo', 'latin1'),
  v2Controllers: (mountpoint: string) => string[] = readControllers,
): CgroupLayout {
  const found = new Map<string, CgroupHierarchy>()
  for (const row of parseRows(mountinfo)) {
    const hierarchy = asHierarchy(row, v2Controllers)
    const key = `${hierarchy.version} ${hierarchy.controllers.join()}`
    if (!found.has(key)) found.set(key, hierarchy)
  }
  const hierarchies = [...found.values()]
  const v1 = hierarchies.filter((hierarchy) => hierarchy.version === 1)
  const v2 = hierarchies.find((hierarchy) => hierarchy.version === 2)
  if (v1.length === 0) {
    if (v2 === undefined) throw new GantryError('Unavailable', 'cannot find control groups: no cgroup file system is mounted')
    return { mode: 'v2', root: v2.mountpoint, hierarchies: [{ ...v2, name: '' }] }
  }
  const root = join(v1[0]!.mountpoint, '..')
  return { mode: v2 === undefined ? 'v1' : 'hybrid', root, hierarchies: v2 === undefined ? v1 : [...v1, v2] }
}

/** The tree that has a controller, if any has. */
export function hierarchyOf(layout: CgroupLayout, controller: string): CgroupHierarchy | undefined {
  return layout.hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller))
}

/** Host directory of a cgroup in one tree. `path` is absolute within the tree and has no `..`. */
export function cgroupDirectory(hierarchy: CgroupHierarchy, path: string): string {
  return hierarchy.mountpoint + checkedPath(path)
}

/** @throws GantryError InvalidParameter when the path is the top or could leave the tree */
export function checkedPath(path: string): string {
  const names = path.split('/').filter((name) => name !== '')
  if (names.length === 0 || names.includes('..') || names.includes('.') || path.includes('\0')) {
    throw new GantryError('InvalidParameter', `cannot use cgroup path ${JSON.stringify(path)}: it must name a cgroup below the top`)
  }
  return `/${names.join('/')}`
}

const flags = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'cpuset_v2_mode', 'all', 'none'])

function asHierarchy(row: MountRow, v2Controllers: (mountpoint: string) => string[]): CgroupHierarchy {
  const name = row.mountpoint.slice(row.mountpoint.lastIndexOf('/') + 1)
  if (row.type === 'cgroup2') return { version: 2, name, mountpoint: row.mountpoint, controllers: v2Controllers(row.mountpoint) }
  const controllers = row.superOptions.filter((option) => !flags.has(option) && !option.startsWith('release_agent='))
  return { version: 1, name, mountpoint: row.mountpoint, controllers }
}

/** Field 5 is the mount point; after the lone "-" come type, source and super options (man 5 proc_pid_mountinfo). */
function* parseRows(mountinfo: string): Generator<MountRow> {
  for (const line of mountinfo.split('\n')) {
    if (!line.includes(' - cgroup')) continue
    const [front, back] = line.split(' - ')
    if (front === undefined || back === undefined) continue
    const [type, , superOptions] = back.split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') continue
    yield { mountpoint: unescape(front.split(' ')[4] ?? ''), type, superOptions: (superOptions ?? '').split(',') }
  }
}

function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function readControllers(mountpoint: string): string[] {
  return readFileSync(join(mountpoint, 'cgroup.controllers'), 'latin1').trim().split(' ').filter((name) => name !== '')
}
