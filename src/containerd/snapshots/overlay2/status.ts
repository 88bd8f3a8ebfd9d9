import { backingFilesystem } from '../backing-filesystem.ts'

/** Rows of `docker info` below "Storage Driver: overlay2"; see native() for why the last three are what they are. */
export function driverStatus(root: string): [string, string][] {
  return [
    ['Backing Filesystem', backingFilesystem(root)],
    ['Supports d_type', 'true'],
    ['Using metacopy', 'false'],
    ['Native Overlay Diff', 'true'],
    ['userxattr', 'false'],
  ]
}
