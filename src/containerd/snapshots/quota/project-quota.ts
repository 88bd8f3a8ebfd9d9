import { closeSync, constants, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel, SyscallArgument } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'

/** A quota for everything in a directory: linux/quota.h, linux/dqblk_xfs.h (ext4 takes the same calls), linux/fs.h struct fsxattr. */
export interface ProjectQuota {
  /** Gives an empty directory a project of its own, and the project a limit in bytes. */
  set(directory: string, bytes: number): void
}

const FS_IOC_FSGETXATTR = 0x801c581f
const FS_IOC_FSSETXATTR = 0x401c5820
const FS_XFLAG_PROJINHERIT = 0x200
const PRJQUOTA = 2
const Q_XSETQLIM = 0x5804
const Q_XGETQSTAT = 0x5805
const FS_DQUOT_VERSION = 1
const FS_PROJ_QUOTA = 2
const FS_DQ_BHARD = 1 << 3
const FS_DQ_BSOFT = 1 << 2
const FS_QUOTA_PDQ_ENFD = 1 << 5
const basicBlock = 512n
const firstProject = 1 << 20

/**
 * Projects are numbered from `first` on; roots on one file system need numbers of their own.
 * @returns undefined when the file system of `root` enforces no project quotas (mount option pquota of xfs, prjquota of ext4)
 */
export function openProjectQuota(kernel: Pick<Kernel, 'syscall'>, root: string, first = firstProject): ProjectQuota | undefined {
  const device = deviceOf(root)
  if (device === undefined || !isEnforced(kernel, device)) return undefined
  const counter = join(root, '.last-project')
  return {
    set(directory, bytes) {
      const project = Math.max(first, existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0) + 1
      writeFileSync(`${counter}.new`, String(project))
      renameSync(`${counter}.new`, counter)
      limit(kernel, device, project, bytes)
      joinProject(kernel, directory, project)
    },
  }
}

/** Makes a directory, and what will be made in it, part of a project. */
function joinProject(kernel: Pick<Kernel, 'syscall'>, directory: string, project: number): void {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const attributes = Buffer.alloc(28)
    call(kernel, `cannot read the project of ${directory}`, 'ioctl', descriptor, FS_IOC_FSGETXATTR, attributes)
    // Unsigned: the highest bit says that there are extended attributes.
    attributes.writeUInt32LE((attributes.readUInt32LE(0) | FS_XFLAG_PROJINHERIT) >>> 0, 0)
    attributes.writeUInt32LE(project, 12)
    call(kernel, `cannot set the project of ${directory}`, 'ioctl', descriptor, FS_IOC_FSSETXATTR, attributes)
  } finally {
    closeSync(descriptor)
  }
}

/** struct fs_disk_quota, 112 bytes; limits count 512-byte blocks. */
function limit(kernel: Pick<Kernel, 'syscall'>, device: string, project: number, bytes: number): void {
  const quota = Buffer.alloc(112)
  quota.writeInt8(FS_DQUOT_VERSION, 0)
  quota.writeInt8(FS_PROJ_QUOTA, 1)
  quota.writeUInt16LE(FS_DQ_BHARD | FS_DQ_BSOFT, 2)
  quota.writeUInt32LE(project, 4)
  const blocks = (BigInt(bytes) + basicBlock - 1n) / basicBlock
  quota.writeBigUInt64LE(blocks, 8)
  quota.writeBigUInt64LE(blocks, 16)
  call(kernel, 'cannot set a project quota', 'quotactl', command(Q_XSETQLIM), device, project, quota)
}

function isEnforced(kernel: Pick<Kernel, 'syscall'>, device: string): boolean {
  const state = Buffer.alloc(80)
  state.writeInt8(1, 0)
  if (kernel.syscall(nr('quotactl'), command(Q_XGETQSTAT), device, 0, state) < 0) return false
  return (state.readUInt16LE(2) & FS_QUOTA_PDQ_ENFD) !== 0
}

function command(number: number): number {
  return ((number << 8) | PRJQUOTA) >>> 0
}

/** The block device under a directory, by its number in /proc/self/mountinfo. */
function deviceOf(directory: string): string | undefined {
  const { dev } = statSync(directory)
  const number = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ')
    if (fields[2] !== number) continue
    const source = fields[fields.indexOf('-') + 2]
    if (source?.startsWith('/') && existsSync(source)) return source
  }
  return undefined
}

function call(kernel: Pick<Kernel, 'syscall'>, act: string, name: string, ...args: SyscallArgument[]): void {
  const result = kernel.syscall(nr(name), ...args)
  if (result < 0) throw new KernelError(act, -result)
}
