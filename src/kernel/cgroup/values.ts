import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import { codeOf } from './code.ts'
import { cgroupDirectory, hierarchyOf, type CgroupHierarchy, type CgroupLayout } from './layout.ts'
import { unifiedNames } from './unified-names.ts'

/** A file of a cgroup as it reads now. */
export interface CgroupValue {
  /** "cpu.shares". */
  file: string
  /** On the host. */
  path: string
  /** As `cat` shows it, without the last newline. */
  value: string
  /** On v1: what v2 calls it, and the value that it would have there. */
  unified?: { file: string; value: string }
}

/** What may be written: limits of controllers, and nothing that moves, ends or frees processes. */
const settable = /^(cpu|cpuset|memory|io|blkio|pids|hugetlb|rdma|misc|net_cls|net_prio)\.[\w.]+$/
const never = new Set(['memory.reclaim', 'memory.force_empty', 'cpuset.cpus.partition', 'memory.oom_control'])

/** Every file of a cgroup that can be read, in all trees. */
export function readCgroupValues(layout: CgroupLayout, path: string): CgroupValue[] {
  const seen = new Set<string>()
  return layout.hierarchies.flatMap((hierarchy) => {
    const directory = cgroupDirectory(hierarchy, path)
    return filesIn(directory).flatMap((file) => {
      const value = readValue(join(directory, file))
      if (value === undefined || (hierarchy.version === 1 && !belongs(hierarchy, file)) || seen.has(file)) return []
      seen.add(file)
      const known = hierarchy.version === 1 ? unifiedNames.find(({ v1 }) => v1 === file) : undefined
      return [{ file, path: join(directory, file), value, ...(known && { unified: { file: known.v2, value: known.toV2?.(value) ?? value } }) }]
    })
  })
}

/**
 * Writes files by their v2 names or by those that the host has. When one is refused, those before it are put back.
 * @throws GantryError InvalidParameter for a name that cannot be set here; System with what the kernel said
 */
export function writeCgroupValues(layout: CgroupLayout, path: string, values: Readonly<Record<string, string>>): void {
  const writes = Object.entries(values).flatMap(([file, value]) => writesOf(layout, path, { file, value }))
  const done: { file: string; before: string }[] = []
  for (const { file, value, name } of writes) {
    try {
      const before = readFileSync(file, 'latin1').trim()
      writeFileSync(file, value)
      done.push({ file, before })
    } catch (error) {
      for (const { file: earlier, before } of done.toReversed()) tryWrite(earlier, before)
      throw new GantryError('System', `cannot write ${JSON.stringify(value)} to ${name}: ${codeOf(error) ?? String(error)}`, { cause: error })
    }
  }
}

/** @throws GantryError InvalidParameter */
export function checkCgroupValue(file: string, value: string): void {
  if (!settable.test(file) || never.has(file)) throw new GantryError('InvalidParameter', `cannot set ${JSON.stringify(file)}: it is no limit of a cgroup`)
  if (/[\0\n]/.test(value)) throw new GantryError('InvalidParameter', `cannot set ${file}: its value must be one line`)
}

function writesOf(layout: CgroupLayout, path: string, { file, value }: { file: string; value: string }): { file: string; value: string; name: string }[] {
  checkCgroupValue(file, value)
  const own = placeOf(layout, path, file)
  if (own !== undefined) return [{ file: own, value, name: file }]
  if (file === 'cpu.max' && layout.mode !== 'v2') {
    const [quota = '', period] = value.split(/\s+/)
    const pair = { ...(period === undefined ? {} : { 'cpu.cfs_period_us': period }), 'cpu.cfs_quota_us': quota === 'max' ? '-1' : quota }
    return Object.entries(pair).flatMap(([name, text]) => writesOf(layout, path, { file: name, value: text }))
  }
  const twin = unifiedNames.find(({ v2 }) => v2 === file)
  const place = twin && placeOf(layout, path, twin.v1)
  if (place === undefined) throw new GantryError('InvalidParameter', `cannot set ${file}: this host's cgroups do not have it`)
  return [{ file: place, value: twin?.toV1?.(value) ?? value, name: twin?.v1 ?? file }]
}

function placeOf(layout: CgroupLayout, path: string, file: string): string | undefined {
  const hierarchy = hierarchyOf(layout, file.slice(0, file.indexOf('.')))
  const place = hierarchy && join(cgroupDirectory(hierarchy, path), file)
  return place !== undefined && existsSync(place) ? place : undefined
}

/** Trees of v1 that are mounted together show their files at one place; "cgroup.procs" and its like are in each. */
function belongs({ controllers }: CgroupHierarchy, file: string): boolean {
  return controllers.includes(file.slice(0, file.indexOf('.')))
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])).toSorted()
  } catch {
    return [] // the container is not in this tree
  }
}

function readValue(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').replace(/\n$/, '')
  } catch {
    return undefined // can be written only
  }
}

function tryWrite(file: string, value: string): void {
  try {
    writeFileSync(file, value)
  } catch {
    // A memory limit may not go below what is used by now.
  }
}
