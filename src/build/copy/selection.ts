import path from 'node:path/posix'
import { IgnorePatterns } from '../../lib/patterns/ignore-patterns.ts'

/** Which nodes below a source are taken: --parents has a pattern of what is in, --exclude those of what is not. */
export interface Selection {
  takes(name: string): boolean
  /** May something below a directory that is not taken be taken? */
  entersBelow(directory: string): boolean
  /** Only some are named: directories on the way to them keep what they have when they are there already. */
  readonly partial: boolean
}

/** Names are relative to the source; of a file, its last part. */
export function selection({ include, excludes }: { include?: string; excludes: readonly string[] }): Selection {
  const out = new IgnorePatterns(excludes)
  if (include === undefined || include === '') {
    return { takes: (name) => !out.ignores(name), entersBelow: (directory) => out.mayKeepBelow(directory), partial: false }
  }
  // The same rules the other way round: what they would ignore is what is taken, and what they might keep is the way there.
  const only = new IgnorePatterns([include])
  const isIn = (name: string): boolean => only.ignores(name)
  const leads = new IgnorePatterns([`!${include}`])
  return {
    takes: (name) => isIn(name) && !out.ignores(name),
    entersBelow: (directory) => (isIn(directory) || leads.mayKeepBelow(directory)) && (!out.ignores(directory) || out.mayKeepBelow(directory)),
    partial: true,
  }
}

/** "a/./b/c" of --parents: what is before the pivot is where the names begin. */
export function pivot(pattern: string): { base: string; include: string } {
  const at = pattern.indexOf('/./')
  const base = at === -1 ? '/' : path.join('/', pattern.slice(0, at))
  return { base, include: path.join('/', at === -1 ? pattern : pattern.slice(at + 3)).replace(/(.)\/$/, '$1').slice(1) }
}
