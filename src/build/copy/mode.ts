import { GantryError } from '../../lib/errors.ts'

/** What --chmod makes of a mode. */
export type ModeChange = (mode: number, isDirectory: boolean) => number

const groups = { u: 6, g: 3, o: 0 } as const
type Group = keyof typeof groups

/** Reads --chmod: octal digits, or the symbols of chmod(1) ("u=rwX,go-w"). @throws InvalidParameter */
export function modeChange(text: string): ModeChange {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const value = Number.parseInt(text, 8)
    return () => value
  }
  if (/^\d+$/.test(text)) throw badMode(text)
  const changes = text.split(',').flatMap((clause) => clauseOf(clause, text))
  return (mode, isDirectory) => changes.reduce((value, change) => change(value, isDirectory), mode & 0o7777)
}

function clauseOf(clause: string, text: string): ModeChange[] {
  const [, who = '', actions = ''] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause) ?? []
  if (actions === '') throw badMode(text)
  const whom: Group[] = who === '' || who.includes('a') ? ['u', 'g', 'o'] : (['u', 'g', 'o'] as const).filter((group) => who.includes(group))
  return [...actions.matchAll(/([-+=])([rwxXstugo]*)/g)].map(([, sign = '', permissions = '']) => changeOf(whom, { sign, permissions }))
}

function changeOf(whom: readonly Group[], { sign, permissions }: { sign: string; permissions: string }): ModeChange {
  return (mode, isDirectory) => {
    const bits = whom.reduce((sum, group) => sum | (permissionBits(permissions, { mode, isDirectory }) << groups[group]), 0)
    const special = specialBits(permissions, whom)
    if (sign === '-') return mode & ~(bits | special)
    const cleared = whom.reduce((mask, group) => mask | (7 << groups[group]), 0) | (whom.includes('u') ? 0o4000 : 0) | (whom.includes('g') ? 0o2000 : 0)
    return (sign === '=' ? mode & ~cleared : mode) | bits | special
  }
}

function permissionBits(permissions: string, { mode, isDirectory }: { mode: number; isDirectory: boolean }): number {
  if (permissions in groups) return (mode >> groups[permissions as Group]) & 7
  const executes = permissions.includes('x') || (permissions.includes('X') && (isDirectory || (mode & 0o111) !== 0))
  return (permissions.includes('r') ? 4 : 0) | (permissions.includes('w') ? 2 : 0) | (executes ? 1 : 0)
}

function specialBits(permissions: string, whom: readonly Group[]): number {
  const sets = permissions.includes('s')
  return (sets && whom.includes('u') ? 0o4000 : 0) | (sets && whom.includes('g') ? 0o2000 : 0) | (permissions.includes('t') ? 0o1000 : 0)
}

function badMode(text: string): GantryError {
  return new GantryError('InvalidParameter', `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`)
}
