import { readFileSync } from 'node:fs'

/** A line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface MountedPlace {
  path: string
  /** It sends its mount events to others, or gets theirs. */
  shared: boolean
  slave: boolean
}

export function mountTable(text = readFileSync('/proc/self/mountinfo', 'utf8')): MountedPlace[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ')
      const optional = fields.slice(6, fields.indexOf('-'))
      return { path: unescape(fields[4] ?? ''), shared: optional.some((field) => field.startsWith('shared:')), slave: optional.some((field) => field.startsWith('master:')) }
    })
}

export function isMountPoint(path: string, table = mountTable()): boolean {
  return table.some((mount) => mount.path === path)
}

/** Mount points at or below a path, deepest first. */
export function mountsBelow(path: string, table = mountTable()): string[] {
  return table.map((mount) => mount.path).filter((mount) => mount === path || mount.startsWith(`${path}/`)).toReversed()
}

/** The mount that a path lies on: the last one of the longest. */
export function mountOf(path: string, table = mountTable()): MountedPlace | undefined {
  let found: MountedPlace | undefined
  for (const mount of table) {
    const holds = mount.path === '/' || mount.path === path || path.startsWith(`${mount.path}/`)
    if (holds && (found === undefined || mount.path.length >= found.path.length)) found = mount
  }
  return found
}

/** Blanks, tabs, newlines and backslashes are octal there. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text
  return Buffer.from(text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))), 'latin1').toString()
}
