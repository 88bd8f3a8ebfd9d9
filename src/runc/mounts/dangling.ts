import { existsSync, readlinkSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { OciMount } from '../spec.ts'
import { cleanPath } from './target.ts'

const mostLinks = 40
/** They go through no symlink at all (CVE-2019-19921). */
const exact = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2'])

/**
 * Mounts whose destination leads through a symlink to nowhere, with the place it means instead: there it can be made, as Docker does.
 * This only chooses names. The program opens them inside the root like any other, whatever the links are by then.
 */
export function throughDangling(rootfs: string, mounts: readonly OciMount[]): OciMount[] {
  const covered: string[] = []
  return mounts.map((mount) => {
    const path = cleanPath(mount.destination)
    // What an earlier mount covers is not what the root has there.
    const hidden = covered.some((above) => path === above || path.startsWith(`${above}/`))
    covered.push(path)
    if (hidden || exact.has(mount.type ?? '')) return mount
    const meant = meantBy(rootfs, path)
    return meant === path || existsSync(join(rootfs, meant)) ? mount : { ...mount, destination: meant }
  })
}

/** Walks a path as if `rootfs` were "/", through symlinks whether or not there is something at their end. */
function meantBy(rootfs: string, path: string): string {
  let names = path.split('/').filter(Boolean)
  let done = '/'
  for (let links = 0; names.length > 0; ) {
    const [name = '', ...rest] = names
    names = rest
    const next = posix.resolve(done, name)
    const target = name === '..' ? undefined : linkAt(join(rootfs, next))
    if (target === undefined) {
      done = next
      continue
    }
    if (++links > mostLinks) return path // the program says that it is a loop
    if (target.startsWith('/')) done = '/'
    names = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...names]
  }
  return done
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
