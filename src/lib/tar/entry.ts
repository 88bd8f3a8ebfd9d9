/**
 * One member of a tar archive, whatever dialect it was written in (v7, ustar, GNU, PAX).
 * Sources: POSIX.1-2017 pax "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Tar Internals".
 */
export interface TarEntry {
  /** As in the archive, see member-name.ts for bytes that are no UTF-8. Not cleaned: may be absolute or hold "..". */
  readonly name: string
  readonly type: TarType
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly userName: string
  readonly groupName: string
  /** Bytes of the file once unpacked; 0 for everything but files. */
  readonly size: number
  /** Nanoseconds since the epoch. */
  readonly mtime: bigint
  /** Target of a hard or symbolic link, else "". */
  readonly linkName: string
  readonly deviceMajor: number
  readonly deviceMinor: number
  /** Extended attributes by full name ("security.capability"); values are bytes. */
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** The file has holes: not all of its bytes are delivered. */
  readonly sparse: boolean
}

export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo'

export const blockSize = 512

/** Fills what a writer does not care for. */
export function tarEntry(fields: Partial<TarEntry> & Pick<TarEntry, 'name'>): TarEntry {
  return {
    type: 'file',
    mode: fields.type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    userName: '',
    groupName: '',
    size: 0,
    mtime: 0n,
    linkName: '',
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
    sparse: false,
    ...fields,
  }
}
