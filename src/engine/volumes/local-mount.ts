import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT } from '../../kernel/constants/mounts.ts'
import { errnoText } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { nr } from '../../kernel/syscalls.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { parseMountOptions } from '../../runc/mounts/options.ts'

export interface LocalMount {
  kernel: Kernel
  /** Where it goes. */
  path: string
  /** The volume's `type`, `device` and `o`. */
  options: Readonly<Record<string, string>>
}

/**
 * Mounts what the options of a local volume say by mount(2): flags and propagation are taken out of `o`, the rest goes to the file system
 * as it is. The kernel wants addresses where mount.nfs and mount.cifs take names, so `addr=` is looked up.
 * @throws GantryError System, `failed to mount local volume: mount device:path, flags: 0x1, data: x: reason`
 */
export async function mountLocal({ kernel, path, options }: LocalMount): Promise<void> {
  const { type = '', device = '', o = '' } = options
  const { flags, bind, propagation, data } = parseMountOptions((await withAddress(type, o)).split(',').filter((option) => option !== ''))
  const flagBits = flags | (bind === 'none' ? 0 : MS_BIND) | (bind === 'rbind' ? MS_REC : 0)
  const text = data.join(',')
  const mount = (source: string, kind: string, bits: number, extra: string): void => {
    const result = kernel.syscall(nr('mount'), source, path, kind, bits, extra === '' ? null : extra)
    if (result < 0) throw mountFailure({ source, path, bits, text: extra }, errnoText(-result))
  }
  mount(device, type, flagBits, text)
  try {
    if (propagation !== undefined) mount('', '', propagation.flag | (propagation.recursive ? MS_REC : 0), '')
    // A bind takes its flags only when it is mounted anew.
    if (bind !== 'none' && (flags & MS_RDONLY) !== 0) mount('', '', flagBits | MS_REMOUNT, '')
  } catch (error) {
    kernel.syscall(nr('umount2'), path, 2)
    throw error
  }
}

/** Passwords are nobody's business. */
function mountFailure({ source, path, bits, text }: { source: string; path: string; bits: number; text: string }, reason: string): GantryError {
  const parts = [
    `mount ${source === '' ? path : `${source}:${path}`}`,
    ...(bits === 0 ? [] : [`flags: 0x${bits.toString(16)}`]),
    ...(text === '' ? [] : [`data: ${text.replaceAll(/(^|,)(password=)[^,]*/g, '$1$2********')}`]),
  ]
  return new GantryError('System', `failed to mount local volume: ${parts.join(', ')}: ${reason}`)
}

async function withAddress(type: string, o: string): Promise<string> {
  if (!['nfs', 'nfs4', 'cifs', 'smb3'].includes(type)) return o
  const address = /(?:^|,)addr=([^,]*)/.exec(o)?.[1]
  if (address === undefined || address === '' || isIP(address) !== 0) return o
  try {
    return o.replace(`addr=${address}`, `addr=${(await lookup(address, { verbatim: false })).address}`)
  } catch (error) {
    throw new GantryError('System', `failed to mount local volume: error resolving passed in network volume address: ${messageOf(error)}`, { cause: error })
  }
}
