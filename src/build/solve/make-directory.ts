import { closeSync, mkdirSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { KernelError } from '../../kernel/failure.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'

const [ENOENT, ENOTDIR, ELOOP] = [2, 20, 40]

/** Makes a directory of root's with those above it, inside a root file system whose links are a stranger's. @throws InvalidParameter */
export function makeDirectory(kernel: Pick<Kernel, 'syscall'>, root: string, path: string): void {
  const top = openSync(root, 'r')
  try {
    closeSync(openOrMake(kernel, top, path))
  } catch (error) {
    if (error instanceof KernelError && [ENOTDIR, ELOOP].includes(error.errno)) throw new GantryError('InvalidParameter', `cannot mkdir: ${path} is not a directory`, { cause: error })
    throw error
  } finally {
    closeSync(top)
  }
}

function openOrMake(kernel: Pick<Kernel, 'syscall'>, root: number, path: string): number {
  try {
    return openInRoot(kernel, root, path, 'directory')
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== ENOENT || path === '/') throw error
  }
  const parent = openOrMake(kernel, root, dirname(path))
  try {
    mkdirSync(`/proc/self/fd/${parent}/${basename(path)}`, { mode: 0o755 })
  } catch (error) {
    // A link that leads to nothing is there already.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new GantryError('InvalidParameter', `cannot mkdir: ${path} is not a directory`, { cause: error })
    throw error
  } finally {
    closeSync(parent)
  }
  return openInRoot(kernel, root, path, 'directory')
}
