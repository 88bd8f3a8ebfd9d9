import { GantryError } from '../lib/errors.ts'
import { formatAddress, parseAddress } from '../lib/ip-address.ts'
import type { Family, IpAddress } from '../lib/ip-address.ts'

/** A subnet: "172.17.0.0/16", "fd00::/64". */
export interface Prefix {
  family: Family
  /** Its first address. */
  network: bigint
  length: number
}

/** "172.17.0.1/16" with the address as it stands there. @throws InvalidParameter */
export function parseCidr(text: string): { address: IpAddress; prefix: Prefix } {
  const [addressText = '', lengthText = '', ...rest] = text.split('/')
  const length = Number(lengthText)
  const invalid = new GantryError('InvalidParameter', `invalid subnet ${text}: invalid CIDR block notation`)
  if (rest.length > 0 || !/^\d{1,3}$/.test(lengthText)) throw invalid
  const address = parsed(addressText, invalid)
  const bits = bitsOf(address.family)
  if (length > bits) throw invalid
  return { address, prefix: { family: address.family, network: (address.value >> BigInt(bits - length)) << BigInt(bits - length), length } }
}

/** @throws InvalidParameter, also when bits of a host are set */
export function parsePrefix(text: string): Prefix {
  const { address, prefix } = parseCidr(text)
  if (address.value !== prefix.network) {
    throw new GantryError('InvalidParameter', `invalid subnet ${text}: it should be ${formatPrefix(prefix)}`)
  }
  return prefix
}

export function formatPrefix({ family, network, length }: Prefix): string {
  return `${formatAddress({ family, value: network })}/${length}`
}

export function sizeOf({ family, length }: Prefix): bigint {
  return 1n << BigInt(bitsOf(family) - length)
}

export function lastOf(prefix: Prefix): bigint {
  return prefix.network + sizeOf(prefix) - 1n
}

export function contains(prefix: Prefix, address: IpAddress): boolean {
  return prefix.family === address.family && address.value >= prefix.network && address.value <= lastOf(prefix)
}

export function overlaps(one: Prefix, other: Prefix): boolean {
  return one.family === other.family && one.network <= lastOf(other) && other.network <= lastOf(one)
}

/** The broadcast address of an IPv4 subnet that is large enough to have one. */
export function broadcastOf(prefix: Prefix): string {
  return formatAddress({ family: prefix.family, value: lastOf(prefix) })
}

function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128
}

function parsed(text: string, failure: GantryError): IpAddress {
  try {
    return parseAddress(text)
  } catch {
    throw failure
  }
}
