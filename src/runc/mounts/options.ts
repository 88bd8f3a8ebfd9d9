import * as flags from '../../kernel/constants/mounts.ts'

/** What the option list of an OCI mount asks for (config.md, "Mounts", Linux mount options). */
export interface MountOptions {
  bind: 'none' | 'bind' | 'rbind'
  /** Flags of mount(2). */
  flags: number
  /** MOUNT_ATTR_* for mount_setattr(2), on the mount itself and on it with everything below. */
  set: number
  clear: number
  recursiveSet: number
  recursiveClear: number
  propagation?: Propagation
  /** Everything else, for the file system. */
  data: string[]
}

export interface Propagation {
  flag: number
  recursive: boolean
}

const { MOUNT_ATTR__ATIME: atimeMask } = flags

/** Option, its flag of mount(2), its attribute; with `off` it takes both away. */
const rows: Record<string, { flag?: number; set?: number; clear?: number; off?: boolean }> = {
  ro: { flag: flags.MS_RDONLY, set: flags.MOUNT_ATTR_RDONLY },
  rw: { flag: flags.MS_RDONLY, clear: flags.MOUNT_ATTR_RDONLY, off: true },
  nosuid: { flag: flags.MS_NOSUID, set: flags.MOUNT_ATTR_NOSUID },
  suid: { flag: flags.MS_NOSUID, clear: flags.MOUNT_ATTR_NOSUID, off: true },
  nodev: { flag: flags.MS_NODEV, set: flags.MOUNT_ATTR_NODEV },
  dev: { flag: flags.MS_NODEV, clear: flags.MOUNT_ATTR_NODEV, off: true },
  noexec: { flag: flags.MS_NOEXEC, set: flags.MOUNT_ATTR_NOEXEC },
  exec: { flag: flags.MS_NOEXEC, clear: flags.MOUNT_ATTR_NOEXEC, off: true },
  nodiratime: { flag: flags.MS_NODIRATIME, set: flags.MOUNT_ATTR_NODIRATIME },
  diratime: { flag: flags.MS_NODIRATIME, clear: flags.MOUNT_ATTR_NODIRATIME, off: true },
  nosymfollow: { flag: flags.MS_NOSYMFOLLOW, set: flags.MOUNT_ATTR_NOSYMFOLLOW },
  symfollow: { flag: flags.MS_NOSYMFOLLOW, clear: flags.MOUNT_ATTR_NOSYMFOLLOW, off: true },
  noatime: { flag: flags.MS_NOATIME, set: flags.MOUNT_ATTR_NOATIME, clear: atimeMask },
  atime: { flag: flags.MS_NOATIME, clear: atimeMask, off: true },
  relatime: { flag: flags.MS_RELATIME, set: flags.MOUNT_ATTR_RELATIME, clear: atimeMask },
  norelatime: { flag: flags.MS_RELATIME, clear: atimeMask, off: true },
  strictatime: { flag: flags.MS_STRICTATIME, set: flags.MOUNT_ATTR_STRICTATIME, clear: atimeMask },
  nostrictatime: { flag: flags.MS_STRICTATIME, clear: atimeMask, off: true },
  sync: { flag: flags.MS_SYNCHRONOUS },
  async: { flag: flags.MS_SYNCHRONOUS, off: true },
  dirsync: { flag: flags.MS_DIRSYNC },
  mand: { flag: flags.MS_MANDLOCK },
  nomand: { flag: flags.MS_MANDLOCK, off: true },
  silent: { flag: flags.MS_SILENT },
  loud: { flag: flags.MS_SILENT, off: true },
  acl: { flag: flags.MS_POSIXACL },
  noacl: { flag: flags.MS_POSIXACL, off: true },
  iversion: { flag: flags.MS_I_VERSION },
  noiversion: { flag: flags.MS_I_VERSION, off: true },
  lazytime: { flag: flags.MS_LAZYTIME },
  nolazytime: { flag: flags.MS_LAZYTIME, off: true },
  remount: { flag: flags.MS_REMOUNT },
  defaults: {},
}

const table = new Map(Object.entries(rows))

const propagations = new Map([
  ['private', flags.MS_PRIVATE],
  ['shared', flags.MS_SHARED],
  ['slave', flags.MS_SLAVE],
  ['unbindable', flags.MS_UNBINDABLE],
])

/** Not for the kernel: they are looked up where they matter. */
const ours = new Set(['tmpcopyup', 'copy-symlink', 'idmap', 'ridmap'])

export function parseMountOptions(options: readonly string[] = []): MountOptions {
  const parsed: MountOptions = { bind: 'none', flags: 0, set: 0, clear: 0, recursiveSet: 0, recursiveClear: 0, data: [] }
  for (const option of options) {
    const propagation = parsePropagation(option)
    if (ours.has(option)) continue
    if (option === 'bind' || option === 'rbind') parsed.bind = option
    else if (propagation !== undefined) parsed.propagation = propagation
    else if (!addFlag(parsed, option)) parsed.data.push(option)
  }
  return parsed
}

/** "rslave" and kin, as in mount options and in `linux.rootfsPropagation`. */
export function parsePropagation(word: string): Propagation | undefined {
  const own = propagations.get(word)
  if (own !== undefined) return { flag: own, recursive: false }
  const recursive = word.startsWith('r') ? propagations.get(word.slice(1)) : undefined
  return recursive === undefined ? undefined : { flag: recursive, recursive: true }
}

function addFlag(parsed: MountOptions, option: string): boolean {
  const row = table.get(option)
  if (row !== undefined) {
    const { flag = 0, set = 0, clear = 0, off } = row
    parsed.flags = off === true ? parsed.flags & ~flag : parsed.flags | flag
    parsed.set = (parsed.set & ~clear) | set
    parsed.clear = (parsed.clear & ~set) | clear
    return true
  }
  // "rro", "rnosuid": the same for everything mounted below.
  const below = option.startsWith('r') ? table.get(option.slice(1)) : undefined
  if (below === undefined || (below.set === undefined && below.clear === undefined)) return false
  parsed.recursiveSet = (parsed.recursiveSet & ~(below.clear ?? 0)) | (below.set ?? 0)
  parsed.recursiveClear = (parsed.recursiveClear & ~(below.set ?? 0)) | (below.clear ?? 0)
  return true
}
