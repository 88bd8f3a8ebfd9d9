import { readFileSync } from 'node:fs'

/** The user of this process as the host counts them: in a user namespace it may be "root" inside (man 7 user_namespaces). */
export function hostUser(uid: number = process.geteuid?.() ?? 0, map: string = ownMap()): number {
  for (const line of map.trim().split('\n')) {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
    if (uid >= inside && uid < inside + count) return outside + uid - inside
  }
  return uid
}

/**
 * Whether this process acts for an ordinary user: it is one, or is root in a user namespace of one's own. A whole system in a
 * user namespace has a root that is called so.
 */
export function isRootless(uid: number = process.geteuid?.() ?? 0, map: string = ownMap(), name: string = process.env['USER'] ?? ''): boolean {
  return uid !== 0 || (hostUser(uid, map) !== 0 && name !== '' && name !== 'root')
}

let read: string | undefined

/** Written once in a process's life, before it can be asked here. */
function ownMap(): string {
  try {
    read ??= readFileSync('/proc/self/uid_map', 'latin1')
  } catch {
    read = '' // a kernel without user namespaces
  }
  return read
}
