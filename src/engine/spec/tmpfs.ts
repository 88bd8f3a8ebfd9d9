import { GantryError } from '../../lib/errors.ts'

/** Pairs of opposite mount flags: the later one wins. */
const opposites: Record<string, string> = {}
for (const [one, other] of [
  ['ro', 'rw'], ['nosuid', 'suid'], ['nodev', 'dev'], ['noexec', 'exec'], ['sync', 'async'], ['noatime', 'atime'],
  ['nodiratime', 'diratime'], ['mand', 'nomand'], ['relatime', 'norelatime'], ['strictatime', 'nostrictatime'], ['dirsync', ''],
  ['private', ''], ['rprivate', ''], ['shared', ''], ['rshared', ''], ['slave', ''], ['rslave', ''], ['unbindable', ''], ['runbindable', ''],
  ['defaults', ''],
] as const) {
  opposites[one] = other
  if (other !== '') opposites[other] = one
}

const parameters = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol'])

/**
 * Options of a tmpfs: `defaults` overruled by the user's, "size=64m,exec" as in --tmpfs.
 * @throws InvalidParameter `invalid tmpfs option "x"`
 */
export function tmpfsOptions(defaults: readonly string[], given: string): string[] {
  const merged = new Map<string, string>(defaults.map((option) => [keyOf(option), option]))
  for (const option of given.split(',').filter((option) => option !== '')) {
    const key = keyOf(option)
    const known = option.includes('=') ? parameters.has(key) : key in opposites
    if (!known) throw new GantryError('InvalidParameter', `invalid tmpfs option ${JSON.stringify(option)}`)
    const opposite = opposites[option]
    if (opposite) merged.delete(opposite)
    merged.delete(key)
    merged.set(key, option)
  }
  return [...merged.values()]
}

function keyOf(option: string): string {
  const end = option.indexOf('=')
  return end === -1 ? option : option.slice(0, end)
}
