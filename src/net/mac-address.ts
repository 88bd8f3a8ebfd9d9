import { randomBytes } from 'node:crypto'
import { GantryError } from '../lib/errors.ts'

/**
 * A random unicast address of the locally administered kind (second hex digit 2, 6, a or e). Not 02:42, which old Dockers
 * made from the IPv4 address and some tools still take for that.
 */
export function randomMac(): string {
  for (;;) {
    const bytes = randomBytes(6)
    bytes[0] = ((bytes[0] ?? 0) | 0x02) & 0xfe
    const mac = bytes.toString('hex').replaceAll(/(..)(?=.)/g, '$1:')
    if (!mac.startsWith('02:42:')) return mac
  }
}

/** @returns "0a:00:00:00:00:01"; "0A-00-00-00-00-01" and "0a00.0000.0001" are fine. @throws InvalidParameter */
export function parseMac(text: string): string {
  const given = text.trim().toLowerCase()
  const isDotted = /^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/.test(given)
  const mac = isDotted ? given.replaceAll('.', '').replaceAll(/(..)(?=.)/g, '$1:') : given.replaceAll('-', ':')
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw new GantryError('InvalidParameter', `invalid MAC address: ${text}`)
  return mac
}
