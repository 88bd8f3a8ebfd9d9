import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'
import type { TarEntry } from '../../../lib/tar/entry.ts'
import { badMember } from './member-failure.ts'
import { pathArgument } from './node-calls.ts'

const largestList = 64 << 10
const largestValue = 64 << 10
const list = Buffer.alloc(largestList)
const value = Buffer.alloc(largestValue)

/** What belongs to a host or a driver rather than to the file (xattr(7)). */
const foreign = /^(trusted\.overlay\.|user\.overlay\.|user\.fuseoverlayfs\.|security\.(selinux|ima|evm)$|btrfs\.|system\.(?!posix_acl_))/

/** The extended attributes of a node itself that travel with it. */
export function readXattrs(kernel: Pick<Kernel, 'syscall'>, path: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  const target = pathArgument(path)
  const length = call(kernel, 'llistxattr', target, list, list.length)
  for (const name of list.toString('utf8', 0, length).split('\0')) {
    if (name === '' || foreign.test(name)) continue
    const size = call(kernel, 'lgetxattr', target, name, value, value.length)
    found.set(name, Buffer.from(value.subarray(0, size)))
  }
  return found
}

/**
 * Gives a node the attributes of its member. What the file system cannot keep, or the caller may not set, is left out.
 * @throws InvalidParameter for a name that no kernel takes
 */
export function setMemberXattrs(entry: Pick<TarEntry, 'name' | 'xattrs'>, set: (name: string, value: Buffer) => void): void {
  for (const [name, value] of entry.xattrs) {
    // Overlay's own attributes in a tar could redirect a directory or hide a layer.
    if (name.startsWith('trusted.overlay.')) continue
    if (name.includes('\0')) throw badMember(entry.name, 'an attribute name holds a NUL byte')
    try {
      set(name, value)
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code !== 'EOPNOTSUPP' && code !== 'ENOTSUP' && code !== 'EPERM') throw error
    }
  }
}

/** One attribute, or undefined when it is not there. */
export function readXattr(kernel: Pick<Kernel, 'syscall'>, path: string, name: string): Buffer | undefined {
  const size = kernel.syscall(nr('lgetxattr'), pathArgument(path), name, value, value.length)
  return size < 0 ? undefined : Buffer.from(value.subarray(0, size))
}

function call(kernel: Pick<Kernel, 'syscall'>, name: string, ...args: Parameters<Kernel['syscall']> extends [number, ...infer Rest] ? Rest : never): number {
  const result = kernel.syscall(nr(name), ...args)
  if (result >= 0) return result
  // ENODATA, ENOTSUP, and what a running container removed meanwhile
  if (result === -61 || result === -95 || result === -2) return 0
  throw new KernelError(`cannot read extended attributes (${name})`, -result)
}
