import { GantryError } from '../../lib/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { parseAccounts, parseSubordinateRanges, readAccountFiles, type AccountFiles } from './accounts.ts'
import { defaultRemapUser } from './remap.ts'

/** Below are ids of people; distributions begin here, too (man 5 login.defs, SUB_UID_MIN). */
const firstSubordinateId = 100_000
const rangeSize = 65_536

/**
 * Makes the user and group of --userns-remap=default, and gives them subordinate ids, as far as they are missing.
 * @throws System when the host's tools refuse
 */
export async function ensureDefaultUser(kernel: Pick<Kernel, 'tool'>, read: () => AccountFiles = readAccountFiles): Promise<void> {
  if (parseAccounts(read().users).every(({ name }) => name !== defaultRemapUser)) {
    const exists = parseAccounts(read().groups).some(({ name }) => name === defaultRemapUser)
    const group = exists ? ['--gid', defaultRemapUser] : ['--user-group']
    await run(kernel, ['useradd', '--system', ...group, '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/bin/false', defaultRemapUser])
  }
  const files = read()
  await giveRange(kernel, files.subordinateUsers, '--add-subuids')
  await giveRange(kernel, files.subordinateGroups, '--add-subgids')
}

async function giveRange(kernel: Pick<Kernel, 'tool'>, text: string, option: string): Promise<void> {
  const ranges = parseSubordinateRanges(text)
  if (ranges.some(({ owner }) => owner === defaultRemapUser)) return
  const start = freeStart(ranges)
  await run(kernel, ['usermod', option, `${start}-${start + rangeSize - 1}`, defaultRemapUser])
}

/** The first place from 100000 on where a range fits that is nobody's. */
export function freeStart(ranges: readonly { start: number; count: number }[]): number {
  let start = firstSubordinateId
  for (const range of ranges.toSorted((one, other) => one.start - other.start)) {
    if (start + rangeSize <= range.start) break
    start = Math.max(start, range.start + range.count)
  }
  return start
}

async function run(kernel: Pick<Kernel, 'tool'>, argv: readonly string[]): Promise<void> {
  const { code, stderr } = await kernel.tool(argv)
  if (code !== 0) throw new GantryError('System', `Error during ${JSON.stringify(defaultRemapUser)} user creation: ${stderr.trim() || `${argv[0]} ended with ${code}`}`)
}
