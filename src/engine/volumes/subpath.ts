import { closeSync, existsSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '../../kernel/constants/files.ts'
import { errnoText } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { mountBind, unmount } from '../../kernel/mount.ts'
import { nr } from '../../kernel/syscalls.ts'
import { GantryError } from '../../lib/errors.ts'

const EXDEV = 18

/**
 * Opens what lies at a relative path below a directory; a link that leads out is an error, whatever another process does to the tree
 * meanwhile (openat2(2), RESOLVE_BENEATH; CVE-2017-1002101, CVE-2024-23653). The path that a mount is made from is that of the
 * descriptor, for names may mean something else by then.
 * @throws InvalidParameter, NotFound, System
 */
function openSubpath(kernel: Kernel, base: string, subpath: string): number {
  const directory = openSync(base, O_PATH | O_DIRECTORY | O_CLOEXEC)
  try {
    const how = Buffer.alloc(24)
    how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC), 0)
    how.writeBigUInt64LE(BigInt(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS), 16)
    const result = kernel.syscall(nr('openat2'), directory, subpath, how, how.length)
    if (result === -EXDEV) throw new GantryError('InvalidParameter', `path concatenation escapes the base directory, base: ${JSON.stringify(base)}, subpath: ${JSON.stringify(subpath)}`)
    if (result < 0) throw new GantryError(result === -2 ? 'NotFound' : 'System', `cannot access path ${base}/${subpath}: lstat ${base}/${subpath}: ${errnoText(-result)}`)
    return result
  } finally {
    closeSync(directory)
  }
}

/**
 * Gives what a subpath leads to a path of its own, `place`, for as long as it takes to mount it in a container: the program that does that
 * is another process, in another mount namespace, where a descriptor is of no use.
 */
export function pinSubpath(kernel: Kernel, { base, subpath, place }: { base: string; subpath: string; place: string }): void {
  const descriptor = openSubpath(kernel, base, subpath)
  try {
    mkdirSync(posix.dirname(place), { recursive: true, mode: 0o700 })
    if (fstatSync(descriptor).isDirectory()) mkdirSync(place, { mode: 0o700 })
    else writeFileSync(place, '', { mode: 0o600 })
    mountBind(kernel, `/proc/self/fd/${descriptor}`, place, false)
  } finally {
    closeSync(descriptor)
  }
}

/** Takes away what was pinned in a directory, also by an engine that was killed. */
export function unpinSubpaths(kernel: Kernel, directory: string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const place = `${directory}/${name}`
    unmount(kernel, place)
    if (lstatSync(place).isDirectory()) rmdirSync(place)
    else unlinkSync(place)
  }
  if (existsSync(directory)) rmdirSync(directory)
}

/** Go's filepath.IsLocal: relative, not empty, and nowhere above its beginning. */
export function isLocalPath(path: string): boolean {
  if (path === '' || path.startsWith('/')) return false
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1
    else if (part !== '' && part !== '.') depth += 1
    if (depth < 0) return false
  }
  return true
}
