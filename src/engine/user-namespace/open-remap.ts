import { GantryError, messageOf } from '../../lib/errors.ts'
import { closeSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { openUserNamespace } from '../../kernel/user-namespace.ts'
import { readAccountFiles } from './accounts.ts'
import { ensureDefaultUser } from './default-user.ts'
import { remapOf, remapOwner, type UserRemap } from './remap.ts'

/**
 * What --userns-remap says, made ready for use.
 * @returns undefined for none, and for root, which would be mapped to itself
 * @throws InvalidParameter, Unavailable when the kernel refuses the map
 */
export async function openRemap(kernel: Kernel, value: string | undefined): Promise<UserRemap | undefined> {
  if (value === undefined || value === '') return undefined
  if (value.split(':')[0] === 'default') await ensureDefaultUser(kernel)
  const files = readAccountFiles()
  const owner = remapOwner(value, files)
  if (owner.user.id === 0) return undefined
  const remap = remapOf(owner, files)
  try {
    closeSync(openUserNamespace(kernel, remap))
  } catch (cause) {
    throw new GantryError('Unavailable', `cannot use --userns-remap ${value}: ${messageOf(cause)}`, { cause })
  }
  return remap
}
