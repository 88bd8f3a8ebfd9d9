import { readFileSync } from 'node:fs'

/** A user or a group of the host by name and number. */
export interface Account {
  name: string
  id: number
}

/** A line of /etc/subuid or /etc/subgid (man 5 subuid). */
export interface SubordinateRange {
  /** A name, or a number as text. */
  owner: string
  start: number
  count: number
}

/** The files that say who there is: texts of passwd(5), group(5), subuid(5), subgid(5). */
export interface AccountFiles {
  users: string
  groups: string
  subordinateUsers: string
  subordinateGroups: string
}

export function readAccountFiles(directory = '/etc'): AccountFiles {
  const read = (name: string): string => {
    try {
      return readFileSync(`${directory}/${name}`, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
      throw error
    }
  }
  return { users: read('passwd'), groups: read('group'), subordinateUsers: read('subuid'), subordinateGroups: read('subgid') }
}

/** Lines of passwd(5) and group(5): in both the number is the third field. */
export function parseAccounts(text: string): Account[] {
  return lines(text).flatMap((line) => {
    const [name = '', , id = ''] = line.split(':')
    return name !== '' && /^\d+$/.test(id) ? [{ name, id: Number(id) }] : []
  })
}

/** What is no range is passed over. */
export function parseSubordinateRanges(text: string): SubordinateRange[] {
  return lines(text).flatMap((line) => {
    const [owner = '', start = '', count = ''] = line.split(':')
    if (owner === '' || !/^\d+$/.test(start) || !/^\d+$/.test(count) || Number(count) === 0) return []
    return [{ owner, start: Number(start), count: Number(count) }]
  })
}

function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}
