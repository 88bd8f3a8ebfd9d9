import { closeSync, constants, openSync, readdirSync, statSync, type Dirent } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { decodeName } from '../../../lib/tar/member-name.ts'

/** linux/btrfs.h: magic 0x94, struct btrfs_ioctl_vol_args(_v2) of 4096 bytes. */
const SUBVOL_CREATE = 0x5000940e
const SNAP_DESTROY = 0x5000940f
const SNAP_CREATE_V2 = 0x50009417
const SUBVOL_SETFLAGS = 0x4008941a
const QUOTA_CTL = 0xc0109428
const QGROUP_LIMIT = 0x8030942b
const SUBVOL_RDONLY = 1n << 1n
const QUOTA_CTL_ENABLE = 1n
const QGROUP_LIMIT_MAX_EXCL = 1n << 1n
const argsSize = 4096
/** The inode number of the root of every subvolume (BTRFS_FIRST_FREE_OBJECTID). */
const rootInode = 256
const ENOTEMPTY = 39

type Calls = Pick<Kernel, 'syscall'>

export function createSubvolume(kernel: Calls, path: string): void {
  const args = Buffer.alloc(argsSize)
  args.write(basename(path), 8)
  within(dirname(path), (parent) => ioctl(kernel, `cannot create subvolume ${path}`, { descriptor: parent, request: SUBVOL_CREATE, args }))
}

/** A writable one. */
export function snapshotSubvolume(kernel: Calls, source: string, path: string): void {
  within(source, (origin) => {
    const args = Buffer.alloc(argsSize)
    args.writeBigInt64LE(BigInt(origin), 0)
    args.write(basename(path), 56)
    within(dirname(path), (parent) => ioctl(kernel, `cannot make a snapshot of ${source}`, { descriptor: parent, request: SNAP_CREATE_V2, args }))
  })
}

export function setReadOnly(kernel: Calls, path: string): void {
  const args = Buffer.alloc(8)
  args.writeBigUInt64LE(SUBVOL_RDONLY)
  within(path, (descriptor) => ioctl(kernel, `cannot make subvolume ${path} read-only`, { descriptor, request: SUBVOL_SETFLAGS, args }))
}

/** With the subvolumes that were made in it, by an engine in a container for one. */
export function deleteSubvolume(kernel: Calls, path: string): void {
  const args = Buffer.alloc(argsSize)
  args.write(basename(path), 8)
  const destroy = (): number => within(dirname(path), (parent) => kernel.syscall(nr('ioctl'), parent, SNAP_DESTROY, args))
  let result = destroy()
  if (result === -ENOTEMPTY) {
    for (const nested of nestedSubvolumes(path)) deleteSubvolume(kernel, nested)
    result = destroy()
  }
  if (result < 0) throw new KernelError(`cannot delete subvolume ${path}`, -result)
}

/** Quotas count from then on, which makes the deletion of snapshots slower: only for who asks. Idempotent. */
export function enableQuota(kernel: Calls, path: string): void {
  const args = Buffer.alloc(16)
  args.writeBigUInt64LE(QUOTA_CTL_ENABLE)
  within(path, (descriptor) => ioctl(kernel, 'cannot enable quotas', { descriptor, request: QUOTA_CTL, args }))
}

/** Limits what a subvolume has for itself: for a snapshot, what was written since. */
export function limitSubvolume(kernel: Calls, path: string, bytes: number): void {
  const args = Buffer.alloc(48)
  args.writeBigUInt64LE(QGROUP_LIMIT_MAX_EXCL, 8)
  args.writeBigUInt64LE(BigInt(bytes), 24)
  within(path, (descriptor) => ioctl(kernel, `cannot limit subvolume ${path}`, { descriptor, request: QGROUP_LIMIT, args }))
}

export function isSubvolume(path: string): boolean {
  return statSync(path).ino === rootInode
}

function* nestedSubvolumes(directory: string): Generator<string, void, undefined> {
  const entries: Dirent<Buffer>[] = readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })
  for (const entry of entries) {
    if (!entry.isDirectory()) continue
    const path = join(directory, decodeName(entry.name))
    if (isSubvolume(path)) yield path
    else yield* nestedSubvolumes(path)
  }
}

function within<Result>(directory: string, use: (descriptor: number) => Result): Result {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    return use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function ioctl(kernel: Calls, act: string, { descriptor, request, args }: { descriptor: number; request: number; args: Buffer }): void {
  const result = kernel.syscall(nr('ioctl'), descriptor, request, args)
  if (result < 0) throw new KernelError(act, -result)
}
