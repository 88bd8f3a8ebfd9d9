import { GantryError } from '../../lib/errors.ts'
import type { IdMaps, IdRange } from '../../kernel/user-namespace.ts'
import { parseAccounts, parseSubordinateRanges, type Account, type AccountFiles } from './accounts.ts'

/** The user that --userns-remap=default means. */
export const defaultRemapUser = 'dockremap'

/** Whose subordinate ids containers get. */
export interface RemapOwner {
  user: Account
  group: Account
}

/** What users of containers are on the host. */
export interface UserRemap extends IdMaps {
  /** Host ids of a container's root. */
  root: { uid: number; gid: number }
}

/**
 * Reads a value of --userns-remap: `default`, `user[:group]`, `uid[:gid]`; a user alone stands for the group of the same name,
 * a number for the group of the same number.
 * @throws InvalidParameter in dockerd's words
 */
export function remapOwner(value: string, files: Pick<AccountFiles, 'users' | 'groups'>): RemapOwner {
  const [first = '', second, ...more] = value.split(':')
  if (more.length > 0) throw invalid(`Invalid user/group specification in --userns-remap: ${JSON.stringify(value)}`)
  const user = lookUp(parseAccounts(files.users), first === 'default' ? defaultRemapUser : first, { kind: 'uid', file: '/etc/passwd' })
  const ownGroup = isNumber(first) ? first : user.name
  return { user, group: lookUp(parseAccounts(files.groups), second ?? ownGroup, { kind: 'gid', file: '/etc/group' }) }
}

/** The ranges of the owner, one after the other, from 0 on. @throws InvalidParameter when there is none */
export function remapOf({ user, group }: RemapOwner, files: AccountFiles): UserRemap {
  const uids = rangesOf(user, files.subordinateUsers, 'uid')
  const gids = rangesOf(group, files.subordinateGroups, 'gid')
  return { uids, gids, root: { uid: uids[0]?.hostID ?? 0, gid: gids[0]?.hostID ?? 0 } }
}

function rangesOf({ name, id }: Account, text: string, kind: 'uid' | 'gid'): IdRange[] {
  let next = 0
  const ranges = parseSubordinateRanges(text)
    .filter(({ owner }) => owner === name || owner === String(id))
    .map(({ start, count }) => {
      const range = { containerID: next, hostID: start, size: count }
      next += count
      return range
    })
  if (ranges.length > 0) return ranges
  const whose = kind === 'uid' ? 'user' : 'group'
  throw invalid(`Can't create ID mappings: no sub${kind} ranges found for ${whose} ${JSON.stringify(name)}`)
}

function lookUp(accounts: readonly Account[], wanted: string, { kind, file }: { kind: 'uid' | 'gid'; file: string }): Account {
  const found = accounts.find(({ name }) => name === wanted) ?? (isNumber(wanted) ? accounts.find(({ id }) => id === Number(wanted)) : undefined)
  if (found !== undefined) return found
  if (isNumber(wanted)) throw invalid(`${kind === 'uid' ? 'Uid' : 'Gid'} ${wanted} has no entry in ${file}`)
  throw invalid(`Error during ${kind} lookup for ${JSON.stringify(wanted)}: it is not in ${file}`)
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text)
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
