import { closeSync, lchownSync, mkdirSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { KernelError } from '../../kernel/failure.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import { ownerOf, type Owner } from '../copy/owner.ts'

const [ENOENT, ENOTDIR, ELOOP] = [2, 20, 40]

/** Makes a directory with those above it, of this owner, inside a root file system whose links are a stranger's. @throws InvalidParameter */
export function makeDirectory(kernel: Pick<Kernel, 'syscall'>, root: string, { path, chown = '' }: { path: string; chown?: string }): void {
  const top = openSync(root, 'r')
  try {
    closeSync(openOrMake(kernel, top, { path, owner: ownerIn(root, chown) }))
  } catch (error) {
    if (error instanceof KernelError && [ENOTDIR, ELOOP].includes(error.errno)) throw new GantryError('InvalidParameter', `cannot mkdir: ${path} is not a directory`, { cause: error })
    throw error
  } finally {
    closeSync(top)
  }
}

/** A user that the image does not have owns nothing in it: RUN is where that is told. */
function ownerIn(root: string, chown: string): Owner | undefined {
  try {
    return ownerOf(chown, root)
  } catch (error) {
    if (error instanceof GantryError && error.kind === 'InvalidParameter') return undefined
    throw error
  }
}

function openOrMake(kernel: Pick<Kernel, 'syscall'>, root: number, { path, owner }: { path: string; owner: Owner | undefined }): number {
  try {
    return openInRoot(kernel, root, path, 'directory')
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== ENOENT || path === '/') throw error
  }
  const parent = openOrMake(kernel, root, { path: dirname(path), owner })
  try {
    const made = `/proc/self/fd/${parent}/${basename(path)}`
    mkdirSync(made, { mode: 0o755 })
    if (owner !== undefined) lchownSync(made, owner.uid, owner.gid)
  } catch (error) {
    // A link that leads to nothing is there already.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new GantryError('InvalidParameter', `cannot mkdir: ${path} is not a directory`, { cause: error })
    throw error
  } finally {
    closeSync(parent)
  }
  return openInRoot(kernel, root, path, 'directory')
}
