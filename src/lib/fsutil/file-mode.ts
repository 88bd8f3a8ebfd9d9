/** Bits of Go's os.FileMode beside the permissions. Source: Go's io/fs. */
export const goMode = { directory: 0x80000000, symlink: 0x08000000, device: 0x04000000, fifo: 0x02000000, socket: 0x01000000, setuid: 0x00800000, setgid: 0x00400000, character: 0x00200000, sticky: 0x00100000 } as const
const irregular = goMode.directory | goMode.symlink | goMode.device | goMode.fifo | goMode.socket | goMode.character

export type FileKind = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket'

/** POSIX st_mode as os.FileMode. */
export function toGoMode(mode: number): number {
  let bits = mode & 0o777
  if ((mode & 0o4000) !== 0) bits |= goMode.setuid
  if ((mode & 0o2000) !== 0) bits |= goMode.setgid
  if ((mode & 0o1000) !== 0) bits |= goMode.sticky
  return (bits | kindBits[(mode >> 12) & 0o17]!) >>> 0
}

/** S_IFMT's values by their first octal digits. */
const kindBits: Readonly<Record<number, number>> = {
  0o1: goMode.fifo,
  0o2: goMode.device | goMode.character,
  0o4: goMode.directory,
  0o6: goMode.device,
  0o10: 0,
  0o12: goMode.symlink,
  0o14: goMode.socket,
}

/** Permission bits with setuid, setgid and sticky. */
export function permissionsOf(mode: number): number {
  const bit = (flag: number, value: number): number => ((mode & flag) === 0 ? 0 : value)
  return (mode & 0o777) | bit(goMode.setuid, 0o4000) | bit(goMode.setgid, 0o2000) | bit(goMode.sticky, 0o1000)
}

export function kindOfMode(mode: number): FileKind {
  if ((mode & irregular) === 0) return 'file'
  if ((mode & goMode.directory) !== 0) return 'directory'
  if ((mode & goMode.symlink) !== 0) return 'symlink'
  if ((mode & goMode.device) !== 0) return (mode & goMode.character) === 0 ? 'block' : 'character'
  return (mode & goMode.fifo) === 0 ? 'socket' : 'fifo'
}
