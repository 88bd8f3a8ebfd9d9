import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Kernel } from './kernel.ts'
import { KernelError } from './failure.ts'
import { nr } from './syscalls.ts'

const filesystem = '/sys/fs/selinux'
const ENODATA = 61
const EOPNOTSUPP = 95
const ERANGE = 34
const attribute = 'security.selinux'
const longestLabel = 4096

/** Labels that the host's policy has for containers: `user:role:type:level`. */
export interface SelinuxContexts {
  process: string
  file: string
  /** Of files that containers may read and execute, whatever their categories. */
  sharedFile: string
}

/** Whether the kernel has SELinux with a policy. */
export function selinuxEnabled(): boolean {
  return existsSync(`${filesystem}/enforce`)
}

/**
 * From `lxc_contexts` of the policy that /etc/selinux/config names, where container engines look.
 * @returns undefined when the policy knows no containers
 */
export function containerContexts(directory = '/etc/selinux'): SelinuxContexts | undefined {
  const type = /^\s*SELINUXTYPE\s*=\s*(\S+)/m.exec(readOr(`${directory}/config`))?.[1]
  if (type === undefined) return undefined
  const text = readOr(`${directory}/${type}/contexts/lxc_contexts`)
  const value = (key: string): string | undefined => new RegExp(`^\\s*${key}\\s*=\\s*"?([^"\\s]+)"?`, 'm').exec(text)?.[1]
  const [process, file] = [value('process'), value('file')]
  return process === undefined || file === undefined ? undefined : { process, file, sharedFile: value('ro_file') ?? file }
}

/** Whether the loaded policy knows a label. */
export function isKnownContext(label: string): boolean {
  try {
    writeFileSync(`${filesystem}/context`, label)
    return true
  } catch {
    return false
  }
}

/** Label of a file, not of what a symlink leads to; undefined where there is none. */
export function fileLabel(kernel: Pick<Kernel, 'syscall'>, path: string): string | undefined {
  const room = Buffer.alloc(longestLabel)
  const length = kernel.syscall(nr('lgetxattr'), path, attribute, room, room.length)
  if (length === -ENODATA || length === -EOPNOTSUPP || length === -ERANGE) return undefined
  if (length < 0) throw new KernelError(`cannot read the SELinux label of ${path}`, -length)
  return room.toString('utf8', 0, length).replace(/\0+$/, '')
}

export function setFileLabel(kernel: Pick<Kernel, 'syscall'>, path: string, label: string): void {
  const value = Buffer.from(`${label}\0`)
  const result = kernel.syscall(nr('lsetxattr'), path, attribute, value, value.length, 0)
  if (result < 0 && result !== -EOPNOTSUPP) throw new KernelError(`cannot set the SELinux label of ${path} to ${label}`, -result)
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
