import { randomBytes } from 'node:crypto'

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
