import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupDirectory, hierarchyOf, type CgroupLayout } from './layout.ts'
import type { ReadCgroupFile } from './usage-files.ts'

/** Files of one cgroup that are read again and again: open from the first reading on. */
export interface KeptCgroupFiles {
  readonly read: ReadCgroupFile
  close(): void
}

/** What is read goes through here, in one piece: kernfs makes a file's text anew at each reading from its beginning. */
const room = Buffer.allocUnsafe(256 * 1024)
/** Of those that this process may have open: others need some too. */
const share = 0.5
const most = 65_536

let open = 0
let budget: number | undefined

/** Reading an open file costs a seventh of opening, reading and closing it. Beyond half of what this process may have open they are opened each time. */
export function keepCgroupFiles(layout: CgroupLayout, path: string): KeptCgroupFiles {
  const descriptors = new Map<string, number>()
  budget ??= Math.min(most, descriptorLimit() * share)
  return {
    read(controller, file) {
      let descriptor = descriptors.get(file)
      try {
        if (descriptor !== undefined) return textOf(descriptor)
        const hierarchy = hierarchyOf(layout, controller)
        if (hierarchy === undefined) return ''
        descriptor = openSync(join(cgroupDirectory(hierarchy, path), file), 'r')
      } catch {
        return '' // as for a file that is not there: ENODEV of a cgroup that has gone
      }
      try {
        return textOf(descriptor)
      } catch {
        return ''
      } finally {
        if (open < (budget ?? 0)) {
          open += 1
          descriptors.set(file, descriptor)
        } else {
          closeSync(descriptor)
        }
      }
    },
    close() {
      for (const descriptor of descriptors.values()) closeSync(descriptor)
      open -= descriptors.size
      descriptors.clear()
    },
  }
}

function textOf(descriptor: number): string {
  return room.toString('latin1', 0, readSync(descriptor, room, 0, room.length, 0))
}

/** proc_pid_limits(5). */
function descriptorLimit(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  return soft === 'unlimited' ? Infinity : Number(soft ?? 1024)
}
