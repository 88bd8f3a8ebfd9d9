import { readFileSync, statfsSync } from 'node:fs'

/** statfs(2) f_type to the names that Docker uses. */
const fileSystems: Record<number, string> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
}

/** Rows of `docker info` below "Storage Driver: overlay2". */
export function driverStatus(root: string): [string, string][] {
  const metacopy = moduleParameter('metacopy')
  const redirects = moduleParameter('redirect_dir')
  return [
    ['Backing Filesystem', fileSystems[statfsSync(root).type] ?? '<unknown>'],
    ['Supports d_type', 'true'],
    ['Using metacopy', String(metacopy)],
    ['Native Overlay Diff', String(!metacopy && !redirects)],
    ['userxattr', 'false'],
  ]
}

function moduleParameter(name: string): boolean {
  try {
    return readFileSync(`/sys/module/overlay/parameters/${name}`, 'utf8').trim() === 'Y'
  } catch {
    return false
  }
}
