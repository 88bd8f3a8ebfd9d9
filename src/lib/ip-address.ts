import { isIPv4, isIPv6 } from 'node:net'
import { GantryError } from './errors.ts'

export type Family = 4 | 6

/** An address of either family as a number, in host order. */
export interface IpAddress {
  family: Family
  value: bigint
}

/** @throws InvalidParameter */
export function parseAddress(text: string): IpAddress {
  if (isIPv4(text)) return { family: 4, value: text.split('.').reduce((number, byte) => number * 256n + BigInt(byte), 0n) }
  if (!isIPv6(text) || text.includes('%')) throw new GantryError('InvalidParameter', `invalid IP address: ${text}`)
  return { family: 6, value: groupsOf(text).reduce((number, group) => number * 0x10000n + BigInt(group), 0n) }
}

/** IPv6 as RFC 5952 has it: lower case, the longest run of zeros left out. */
export function formatAddress({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(16 * (7 - at))) & 0xffffn).toString(16))
  const run = longestZeros(groups)
  if (run === undefined) return groups.join(':')
  return `${groups.slice(0, run.at).join(':')}::${groups.slice(run.at + run.length).join(':')}`
}

/** In network order, 4 or 16 bytes. */
export function addressBytes(text: string): Buffer {
  const { family, value } = parseAddress(text)
  const digits = family === 4 ? 8 : 32
  return Buffer.from(value.toString(16).padStart(digits, '0'), 'hex')
}

export function isIPv6Text(text: string): boolean {
  return text.includes(':')
}

function groupsOf(text: string): number[] {
  const [head = '', tail] = embedded(text).split('::')
  const front = head === '' ? [] : head.split(':')
  if (tail === undefined) return front.map((group) => Number.parseInt(group, 16))
  const back = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16))
}

/** "::ffff:10.0.0.1" ends in two groups. */
function embedded(text: string): string {
  const at = text.lastIndexOf(':') + 1
  const last = text.slice(at)
  if (!last.includes('.')) return text
  const { value } = parseAddress(last)
  return `${text.slice(0, at)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
}

function longestZeros(groups: readonly string[]): { at: number; length: number } | undefined {
  let best: { at: number; length: number } | undefined
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === '0') length++
    if (length > 1 && length > (best?.length ?? 0)) best = { at, length }
    at += length
  }
  return best
}
