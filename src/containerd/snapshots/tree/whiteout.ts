import type { BigIntStats, Stats } from 'node:fs'
import { badMember } from './member-failure.ts'

const prefix = '.wh.'
const metaPrefix = '.wh..wh.'

/** overlay(5) "whiteouts and opaque directories", Documentation/filesystems/overlayfs.rst. */
export const opaqueXattr = { name: 'trusted.overlay.opaque', value: Buffer.from('y') }

/**
 * What a member's base name hides, by OCI image-spec "Representing Changes": "opaque" for all siblings of lower layers,
 * "/name" for one of them, "" for other bookkeeping of AUFS; undefined when it is no whiteout.
 */
export function whiteoutOf(base: string): 'opaque' | '' | `/${string}` | undefined {
  if (!base.startsWith(prefix)) return undefined
  if (base === `${metaPrefix}.opq`) return 'opaque'
  if (base.startsWith(metaPrefix)) return ''
  const name = base.slice(prefix.length)
  if (name === '' || name === '.' || name === '..') throw badMember(base, 'it is a whiteout of nothing')
  return `/${name}`
}

/** The member that says that a path is gone. */
export function whiteoutName(path: string): string {
  const slash = path.lastIndexOf('/')
  return `${path.slice(0, slash + 1)}${prefix}${path.slice(slash + 1)}`
}

/** Character device 0:0. */
export function isWhiteoutNode(stats: Pick<Stats | BigIntStats, 'isCharacterDevice' | 'rdev'>): boolean {
  return stats.isCharacterDevice() && Number(stats.rdev) === 0
}
