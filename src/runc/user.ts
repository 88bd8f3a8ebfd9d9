import { closeSync, fstatSync, readFileSync } from 'node:fs'
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '../kernel/constants/files.ts'
import { KernelError } from '../kernel/failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { nr } from '../kernel/syscalls.ts'
import { GantryError } from '../lib/errors.ts'

export interface ResolvedUser {
  uid: number
  gid: number
  /** Starts with `gid`: else a group could be shed to pass a file that denies it (CVE-2022-36109). */
  additionalGids: number[]
  /** "/" when the user has none. */
  home: string
}

const ENOENT = 2
const ENOTDIR = 20
const largestId = 0x7fff_ffff
const largestFile = 8 << 20

/**
 * Looks up `user[:group]` (names or numbers; "" is root) and further groups in the /etc/passwd and /etc/group of a root
 * file system, as Docker does: a number needs no entry, a name does.
 * @throws GantryError InvalidParameter with Docker's text
 */
export function resolveUser(kernel: Pick<Kernel, 'syscall'>, rootfs: string, spec: string, groupAdd: readonly string[] = []): ResolvedUser {
  const [userPart = '', groupPart = ''] = spec.split(':')
  const passwd = readRows(kernel, rootfs, '/etc/passwd')
  const groups = userPart === '' && groupPart === '' && passwd.length === 0 && groupAdd.length === 0 ? [] : readRows(kernel, rootfs, '/etc/group')
  const user = findUser(passwd, userPart)
  const gid = groupPart === '' ? user.gid : findGroup(groups, groupPart)
  const member = groupPart === '' && user.name !== undefined ? groupsOf(groups, user.name) : []
  const added = groupAdd.map((group) => addedGroup(groups, group))
  return { uid: user.uid, gid, additionalGids: [...new Set([gid, ...member, ...added])], home: user.home || '/' }
}

function findUser(passwd: readonly string[][], wanted: string): { name?: string; uid: number; gid: number; home: string } {
  const number = wanted === '' ? 0 : numberOf(wanted)
  const row = passwd.find(([name, , uid]) => (number === undefined ? name === wanted : Number(uid) === number))
  if (row !== undefined) return { name: row[0], uid: Number(row[2] || 0), gid: Number(row[3] || 0), home: row[5] ?? '' }
  if (number === undefined) throw invalid(`unable to find user ${wanted}: no matching entries in passwd file`)
  return { uid: inRange(number), gid: 0, home: '/' }
}

function findGroup(groups: readonly string[][], wanted: string): number {
  const number = numberOf(wanted)
  const row = groups.find(([name, , gid]) => (number === undefined ? name === wanted : Number(gid) === number))
  if (row !== undefined) return Number(row[2] || 0)
  if (number === undefined) throw invalid(`unable to find group ${wanted}: no matching entries in group file`)
  return inRange(number)
}

function addedGroup(groups: readonly string[][], wanted: string): number {
  const row = groups.find(([name, , gid]) => name === wanted || gid === wanted)
  if (row !== undefined) return Number(row[2])
  const number = numberOf(wanted)
  if (number === undefined) throw invalid(`Unable to find group ${wanted}`)
  return inRange(number)
}

function groupsOf(groups: readonly string[][], user: string): number[] {
  return groups.filter((row) => (row[3] ?? '').split(',').includes(user)).map((row) => Number(row[2] || 0))
}

function numberOf(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}

function inRange(id: number): number {
  if (id < 0 || id > largestId) throw invalid(`uids and gids must be in range 0-${largestId}`)
  return id
}

function invalid(text: string): GantryError {
  return new GantryError('InvalidParameter', text)
}

/** The file belongs to the container: no symlink may lead out of the root, no fifo may block, no size may fill the memory. */
function readRows(kernel: Pick<Kernel, 'syscall'>, rootfs: string, path: string): string[][] {
  const root = kernel.syscall(nr('openat'), AT_FDCWD, rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
  if (root < 0) throw new KernelError(`cannot open root file system ${rootfs}`, -root)
  const how = Buffer.alloc(24)
  // To open a fifo or a device is an act already: some machines reboot a minute after somebody opened the watchdog.
  how.writeUInt32LE(O_PATH | O_CLOEXEC, 0)
  how.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16)
  const file = kernel.syscall(nr('openat2'), root, path, how, how.length)
  closeSync(root)
  if (file === -ENOENT || file === -ENOTDIR) return []
  if (file < 0) throw new KernelError(`cannot open ${path} of the container`, -file)
  try {
    const status = fstatSync(file)
    if (!status.isFile() || status.size > largestFile) throw invalid(`cannot read ${path} of the container: it is not a file of less than 8 MiB`)
    return readFileSync(`/proc/self/fd/${file}`, 'utf8').split('\n').filter((line) => line.trim() !== '').map((line) => line.trim().split(':'))
  } finally {
    closeSync(file)
  }
}
