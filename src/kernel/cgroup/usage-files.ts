import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'

/** The text of one file of a cgroup; '' when controller, cgroup or file is not there. */
export type ReadCgroupFile = (controller: string, file: string) => string

export function cgroupFiles(layout: CgroupLayout, path: string): ReadCgroupFile {
  return (controller, file) => {
    const hierarchy = hierarchyOf(layout, controller)
    if (hierarchy === undefined) return ''
    try {
      return readFileSync(join(cgroupDirectory(hierarchy, path), file), 'utf8')
    } catch {
      return ''
    }
  }
}

/** Lines of "name value". Values beyond 2^53 (the v1 kernel's "no limit") stay exact. */
export function flatKeyed(text: string): Record<string, number | bigint> {
  const entries = text.split('\n').flatMap((line) => {
    const [, name, digits] = /^(\S+) (\d+)$/.exec(line) ?? []
    return name === undefined || digits === undefined ? [] : [[name, exact(digits)] as const]
  })
  return Object.fromEntries(entries)
}

/** A file of one number; "max", empty and absent are undefined. */
export function single(text: string): number | undefined {
  const digits = text.trim()
  return /^\d+$/.test(digits) ? Number(digits) : undefined
}

function exact(digits: string): number | bigint {
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : BigInt(digits)
}
