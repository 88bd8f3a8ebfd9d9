import { formatAddress } from '../../lib/ip-address.ts'

/** The address in a name like "2.0.18.172.in-addr.arpa" or "1.0.….ip6.arpa" (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function addressOfReverseName(name: string): string | undefined {
  const [, four] = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? []
  if (four !== undefined) {
    const bytes = four.split('.').slice(0, 4).map(Number)
    return bytes.every((byte) => byte < 256) ? bytes.toReversed().join('.') : undefined
  }
  const [, six] = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(name) ?? []
  if (six === undefined) return undefined
  return formatAddress({ family: 6, value: BigInt(`0x${six.split('.').slice(0, 32).toReversed().join('')}`) })
}
