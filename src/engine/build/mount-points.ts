import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { AT_FDCWD } from '../../kernel/constants/files.ts'
import { KernelError } from '../../kernel/failure.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { nr } from '../../kernel/syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

/** Something that a runtime will make to mount upon. */
interface MissingPlace {
  /** Its directory in the root file system, links resolved; undefined while that is missing too. */
  parent: string | undefined
  path: string
}

/** A directory that things will be made in, and its times, in nanoseconds. */
interface Touched {
  path: string
  atime: bigint
  mtime: bigint
}

/** Mount points that are not in a root file system yet, so that they can be taken out again: they are no part of a layer. */
export interface MountPoints {
  missing: MissingPlace[]
  touched: Touched[]
}

/** Looks before anything is mounted. `root`: host path of the mounted root file system, in which links are a stranger's. */
export function findMissing(kernel: Calls, root: string, targets: readonly string[]): MountPoints {
  const found: MountPoints = { missing: [], touched: [] }
  const seen = new Set<string>()
  const top = openSync(root, 'r')
  try {
    for (const target of targets) {
      for (let path = target, below = true; below && path !== '/' && !seen.has(path); path = dirname(path)) {
        seen.add(path)
        if (exists(kernel, top, path)) break
        found.missing.push({ parent: undefined, path })
        below = !noteParent(kernel, top, { path: dirname(path), found })
      }
    }
  } finally {
    closeSync(top)
  }
  return found
}

function exists(kernel: Calls, top: number, path: string): boolean {
  const place = open(kernel, top, path)
  if (place !== undefined) closeSync(place)
  return place !== undefined
}

/** @returns whether the directory is there */
function noteParent(kernel: Calls, top: number, { path, found }: { path: string; found: MountPoints }): boolean {
  const directory = open(kernel, top, path)
  if (directory === undefined) return false
  try {
    const { atimeNs, mtimeNs } = fstatSync(directory, { bigint: true })
    if (!found.touched.some((other) => other.path === path)) found.touched.push({ path, atime: atimeNs, mtime: mtimeNs })
    return true
  } finally {
    closeSync(directory)
  }
}

function open(kernel: Calls, top: number, path: string): number | undefined {
  try {
    return openInRoot(kernel, top, path, 'followed')
  } catch (error) {
    if (error instanceof KernelError) return undefined
    throw error
  }
}

/**
 * Takes out what was made to mount upon: empty files and directories only, for the step may have put something there. Directories
 * get their times back, so that they count as unchanged. Nothing of the step runs any more.
 */
export function removeMade(kernel: Calls, root: string, { missing, touched }: MountPoints): void {
  const top = openSync(root, 'r')
  try {
    for (const { path } of missing.toSorted((one, other) => other.path.length - one.path.length)) removeEmpty(kernel, top, path)
    for (const each of touched) restoreTimes(kernel, top, each)
  } finally {
    closeSync(top)
  }
}

function removeEmpty(kernel: Calls, top: number, path: string): void {
  const parent = open(kernel, top, dirname(path))
  if (parent === undefined) return
  const place = `/proc/self/fd/${parent}/${basename(path)}`
  try {
    const stats = lstatSync(place, { throwIfNoEntry: false })
    if (stats?.isDirectory()) rmdirSync(place)
    else if (stats?.isFile() && stats.size === 0) unlinkSync(place)
  } catch (error) {
    // There is something in it.
    if (!['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    closeSync(parent)
  }
}

function restoreTimes(kernel: Calls, top: number, { path, atime, mtime }: Touched): void {
  const directory = open(kernel, top, path)
  if (directory === undefined) return
  try {
    const times = Buffer.alloc(32)
    for (const [at, time] of [[0, atime], [16, mtime]] as const) {
      times.writeBigInt64LE(time / 1_000_000_000n, at)
      times.writeBigInt64LE(time % 1_000_000_000n, at + 8)
    }
    const result = kernel.syscall(nr('utimensat'), AT_FDCWD, readlinkSync(`/proc/self/fd/${directory}`), times, 0)
    if (result < 0) throw new KernelError(`cannot set the times of ${path}`, -result)
  } finally {
    closeSync(directory)
  }
}
