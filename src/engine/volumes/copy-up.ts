import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { nodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import { fsPath, decodeName } from '../../lib/tar/member-name.ts'
import { copyDirectoryAttributes, copyTree } from './copy-tree.ts'

/** Where a copy is made before it shows up: `half` may be thrown away, `whole` has to be finished. */
export interface Staging {
  half: string
  whole: string
}

/** Beside the data of a plain volume; within what is mounted there, since a rename does not leave a file system. */
export function stagingOf(volume: string, data: string, isMounted: boolean): Staging {
  return isMounted ? { half: `${data}/.gantry-copy.tmp`, whole: `${data}/.gantry-copy` } : { half: `${volume}/copy.tmp`, whole: `${volume}/copy` }
}

/**
 * Fills an empty volume with what an image has in a directory. Killed at any point there is nothing of it in the volume, or, once the
 * copy is whole, `finishCopyUp` brings in the rest. A volume with anything in it is left alone.
 * @param source open directory of the image, by a path that leads nowhere else
 */
export async function copyUp(kernel: Kernel, { source, data, staging }: { source: string; data: string; staging: Staging }): Promise<void> {
  finishCopyUp(kernel, data, staging)
  if (readdirSync(data).length > 0) return
  if (readdirSync(`${source}/.`).length === 0) {
    copyDirectoryAttributes(kernel, { from: source, to: data })
    return
  }
  mkdirSync(staging.half, { mode: 0o700 })
  try {
    const bytes = await copyTree(kernel, source, staging.half)
    // One syncfs(2) for all files, in another process: it may take long.
    if (bytes > 0) await sync(kernel, staging.half)
    renameSync(staging.half, staging.whole)
  } catch (error) {
    await rm(staging.half, { recursive: true, force: true })
    throw error
  }
  finishCopyUp(kernel, data, staging)
}

/** Brings in a copy that is whole, and throws away one that is not. What somebody else made meanwhile stays. */
export function finishCopyUp(kernel: Kernel, data: string, { half, whole }: Staging): void {
  rmSync(half, { recursive: true, force: true })
  const status = lstatSync(whole, { throwIfNoEntry: false, bigint: true })
  if (status?.isDirectory() !== true) return
  for (const name of readdirSync(whole, { encoding: 'buffer' }).map(decodeName)) {
    if (!existsSync(fsPath(`${data}/${name}`))) renameSync(fsPath(`${whole}/${name}`), fsPath(`${data}/${name}`))
  }
  copyDirectoryAttributes(kernel, { from: whole, to: data })
  rmSync(whole, { recursive: true, force: true })
  // Every name that comes or goes changes it.
  nodeCalls(kernel).setTime(data, status.mtimeNs)
}

async function sync(kernel: Kernel, path: string): Promise<void> {
  const { code, stderr } = await kernel.tool(['sync', '-f', path])
  if (code !== 0) throw new GantryError('System', `cannot sync ${path}: ${stderr.trim()}`)
}
