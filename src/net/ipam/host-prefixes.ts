import { existsSync, readFileSync } from 'node:fs'
import { parsePrefix } from '../ip-prefix.ts'
import type { Prefix } from '../ip-prefix.ts'

/** Subnets that this host reaches by its routing table (proc_net(5)); a new network must not hide them. Default routes do not count. */
export function hostPrefixes(): Prefix[] {
  return [...lines('/proc/net/route').slice(1).flatMap(ipv4Route), ...lines('/proc/net/ipv6_route').flatMap(ipv6Route)]
}

/** Iface Destination Gateway Flags RefCnt Use Metric Mask, numbers in host order of bytes. */
function ipv4Route(line: string): Prefix[] {
  const fields = line.split(/\s+/)
  const network = littleEndian(fields[1] ?? '')
  const mask = littleEndian(fields[7] ?? '')
  const length = mask.toString(2).replaceAll('0', '').length
  return length === 0 ? [] : [{ family: 4, network: BigInt(network & mask) & 0xffffffffn, length }]
}

/** destination, its prefix length (hexadecimal), source, …, flags, interface */
function ipv6Route(line: string): Prefix[] {
  const [destination = '', lengthText = ''] = line.split(/\s+/)
  const length = Number.parseInt(lengthText, 16)
  const text = destination.replaceAll(/(....)(?=.)/g, '$1:')
  // Link-local and multicast routes are on every interface.
  if (length === 0 || /^f[ef]/.test(text)) return []
  return [parsePrefix(`${text}/${length}`)]
}

function littleEndian(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE(0)
}

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '') : []
}
