import { closeSync, fstatSync } from 'node:fs'
import { KernelError } from '../../../kernel/failure.ts'
import { openInRoot } from '../../../kernel/in-root.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'

const mostLinks = 255

/**
 * Where a path leads when every link is followed inside the root: an absolute path. It need not exist. For telling only: what
 * acts on a path lets the kernel resolve it.
 * @throws KernelError ELOOP
 */
export function linkTarget(kernel: Pick<Kernel, 'syscall'>, root: number, path: string): string {
  const pending = path.split('/')
  const resolved: string[] = []
  let links = 0
  while (pending.length > 0) {
    const part = pending.shift()!
    if (part === '' || part === '.') continue
    if (part === '..') {
      resolved.pop()
      continue
    }
    const target = readLink(kernel, root, `/${[...resolved, part].join('/')}`)
    if (target === undefined) {
      resolved.push(part)
      continue
    }
    const ELOOP = 40
    if (++links > mostLinks) throw new KernelError(`cannot follow ${path}`, ELOOP)
    if (target.startsWith('/')) resolved.length = 0
    pending.unshift(...target.split('/'))
  }
  return `/${resolved.join('/')}`
}

function readLink(kernel: Pick<Kernel, 'syscall'>, root: number, path: string): string | undefined {
  let node: number
  try {
    node = openInRoot(kernel, root, path)
  } catch (error) {
    if (error instanceof KernelError) return undefined
    throw error
  }
  try {
    if (!fstatSync(node).isSymbolicLink()) return undefined
    const value = Buffer.alloc(4097)
    // An empty path means the link that the descriptor is for (man 2 readlinkat).
    const length = kernel.syscall(nr('readlinkat'), node, '', value, value.length)
    return length < 0 ? undefined : value.toString('utf8', 0, length)
  } finally {
    closeSync(node)
  }
}
