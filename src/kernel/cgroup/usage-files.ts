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
  const values: Record<string, number | bigint> = {}
  // Hundreds of containers have their forty lines read at a time: a walk costs a third of what splitting and matching do.
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    const space = text.indexOf(' ', at)
    if (space > at && space < end) {
      const digits = text.slice(space + 1, end)
      if (/^\d+$/.test(digits)) values[text.slice(at, space)] = exact(digits)
    }
    at = end + 1
  }
  return values
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
