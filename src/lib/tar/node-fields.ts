import type { BigIntStats } from 'node:fs'
import { splitDeviceNumber } from '../device-number.ts'
import type { TarEntry, TarType } from './entry.ts'

/** What a node of a file system is in an archive; undefined for a socket, which no archive holds. */
export function nodeType(stats: BigIntStats): TarType | undefined {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isCharacterDevice()) return 'character'
  if (stats.isBlockDevice()) return 'block'
  return stats.isFIFO() ? 'fifo' : undefined
}

export function nodeOwnership(stats: BigIntStats): Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtime'> {
  return { mode: Number(stats.mode & 0o7777n), uid: Number(stats.uid), gid: Number(stats.gid), mtime: stats.mtimeNs }
}

export function nodeDevice({ rdev }: BigIntStats): Pick<TarEntry, 'deviceMajor' | 'deviceMinor'> {
  const { major, minor } = splitDeviceNumber(rdev)
  return { deviceMajor: major, deviceMinor: minor }
}
