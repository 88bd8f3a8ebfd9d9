import { rmdirSync } from 'node:fs'
import { detectLayout } from '../../../src/kernel/cgroup/layout.ts'
import { removeIfEmpty } from '../../../src/kernel/cgroup/remove.ts'

/** Docker, runtimes and podman leave the cgroup above their containers', and their directory under /run, to the next container. There is none. */
export function dropSharedCgroups(): void {
  for (const path of ['/docker', '/gantry-runc', '/libpod_parent/conmon', '/libpod_parent']) removeIfEmpty(detectLayout(), path)
  for (const directory of ['/run/gantry-runc', '/run/runc', '/run/libpod']) {
    try {
      rmdirSync(directory)
    } catch {
      // In use, or not there.
    }
  }
}
