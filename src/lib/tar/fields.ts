import { badTar } from './tar-failure.ts'
import { decodeName } from './member-name.ts'

/** Text up to the first NUL. */
export function textField(block: Buffer, start: number, length: number): string {
  const nul = block.indexOf(0, start)
  const end = nul === -1 || nul > start + length ? start + length : nul
  return end === start ? '' : decodeName(block.subarray(start, end))
}

/**
 * A number in octal digits, or in two's complement base 256 when the first bit is set (GNU).
 * @throws InvalidParameter when it is neither, or beyond 2^53
 */
export function numberField(block: Buffer, start: number, length: number, label: string): number {
  const first = block[start]!
  if (first >= 0x80) return binaryField(block, start, length, label)
  let value = 0
  let at = start
  const end = start + length
  while (at < end && block[at] === 0x20) at++
  for (; at < end; at++) {
    const digit = block[at]!
    if (digit === 0 || digit === 0x20) break
    if (digit < 0x30 || digit > 0x37) throw badTar(`its ${label} is no octal number`)
    value = value * 8 + (digit - 0x30)
  }
  return value
}

function binaryField(block: Buffer, start: number, length: number, label: string): number {
  const negative = (block[start]! & 0x40) !== 0
  let value = BigInt(block[start]! & 0x3f)
  for (let at = start + 1; at < start + length; at++) value = (value << 8n) | BigInt(block[at]!)
  if (negative) value -= 1n << BigInt(length * 8 - 2)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw badTar(`its ${label} ${value} is absurd`)
  }
  return Number(value)
}

/** Octal digits and a NUL, or base 256 when they do not fit. */
export function putNumber(block: Buffer, start: number, length: number, value: number): void {
  const digits = value.toString(8)
  if (value >= 0 && digits.length < length) {
    block.write(digits.padStart(length - 1, '0'), start, 'latin1')
    return
  }
  let rest = BigInt.asUintN(length * 8, BigInt(value))
  for (let at = start + length - 1; at >= start; at--) {
    block[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  block[start]! |= 0x80
}

/** Sum of all bytes with the checksum field read as spaces; some old writers summed signed bytes. */
export function checksums(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = 0
  let high = 0
  for (let at = 0; at < 512; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : block[at]!
    unsigned += byte
    if (byte > 127) high++
  }
  return { unsigned, signed: unsigned - high * 256 }
}
