import { closeSync, constants, openSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { Pace } from '../../lib/pace.ts'
import type { TargetTree } from './target-tree.ts'
import { isArchive, unpackArchive } from './unpack-archive.ts'

/** Unpacks a file into the destination, which becomes a directory, if the file is an archive. @returns whether it is one */
export async function placeArchive(kernel: Kernel, { file, target, destination, pace }: { file: string; target: TargetTree; destination: string; pace: Pace }): Promise<boolean> {
  const descriptor = openSync(fsPath(file), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if (!(await isArchive(descriptor))) return false
    const resolved = target.resolve(destination)
    target.makeDirectory(resolved)
    await unpackArchive(kernel, { file: descriptor, directory: resolved === '/' ? target.root : `${target.root}${resolved}`, latest: target.latest, owner: target.owner, pace })
    target.touched(resolved)
    return true
  } finally {
    closeSync(descriptor)
  }
}
