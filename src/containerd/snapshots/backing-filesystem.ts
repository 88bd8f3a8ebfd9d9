import { statfsSync } from 'node:fs'

/** statfs(2) f_type to the names that Docker uses. */
const fileSystems: Record<number, string> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0x65735546: 'fuse',
  0x6969: 'nfs',
}

/** "<unknown>" as Docker says it. */
export function backingFilesystem(path: string): string {
  return fileSystems[statfsSync(path).type] ?? '<unknown>'
}
