import { S_IFDIR, S_IFLNK, S_IFREG } from '../../../kernel/constants/files.ts'

const types = { file: BigInt(S_IFREG), directory: BigInt(S_IFDIR), symlink: BigInt(S_IFLNK) } as const
const none = new Map<string, ArchiveNode>()
let last = 0n

/** A node of a context that was not unpacked, with what stat(2) would say of it. Everything belongs to root. */
export class ArchiveNode {
  readonly type: keyof typeof types
  /** The lower twelve bits. */
  readonly permissions: number
  readonly mtimeNs: bigint
  /** Of a symbolic link. */
  readonly linkName: string
  /** Of a directory, by name. */
  children: Map<string, ArchiveNode>
  /** Of a file: where its content is in the spool, how long it is, and its SHA-256 in hexadecimal digits. */
  readonly at: number
  length = 0
  digest = ''
  /** Two or more where it has had several names. */
  nlink = 1n
  readonly dev = 0n
  readonly ino = ++last
  readonly uid = 0n
  readonly gid = 0n
  readonly rdev = 0n

  constructor({ type, mode, mtime, linkName = '', at = 0 }: { type: keyof typeof types; mode: number; mtime: bigint; linkName?: string; at?: number }) {
    this.type = type
    this.permissions = type === 'symlink' ? 0o777 : mode
    this.mtimeNs = mtime
    this.linkName = linkName
    this.children = type === 'directory' ? new Map() : none
    this.at = at
  }

  /** What it leads to, of a symbolic link. */
  get link(): string | undefined {
    return this.type === 'symlink' ? this.linkName : undefined
  }

  get mode(): bigint {
    return types[this.type] | BigInt(this.permissions)
  }

  get size(): bigint {
    return BigInt(this.length)
  }

  isFile(): boolean {
    return this.type === 'file'
  }

  isDirectory(): boolean {
    return this.type === 'directory'
  }

  isSymbolicLink(): boolean {
    return this.type === 'symlink'
  }
}
