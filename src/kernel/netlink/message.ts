/**
 * The netlink wire format (linux/netlink.h): messages of a 16 byte header, a fixed body and attributes, each padded
 * to 4 bytes, numbers in host order. Both architectures we run on are little-endian.
 */

const headerLength = 16
const nestedFlag = 0x8000
const typeMask = 0x3fff

/** A message to send. `sequence` 0 lets the socket number it. */
export interface Message {
  type: number
  flags: number
  sequence?: number
  /** The fixed part after the header, and attributes behind it. */
  parts: readonly Uint8Array[]
}

export interface DecodedMessage {
  type: number
  flags: number
  sequence: number
  payload: Buffer
}

export type Attributes = ReadonlyMap<number, Buffer>

export function u8(value: number): Buffer {
  return Buffer.of(value)
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

/** A NUL-terminated string. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function align(length: number): number {
  return (length + 3) & ~3
}

/** One attribute: length, type, payload, padding. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const length = 4 + payload.length
  if (length > 0xffff) throw new RangeError(`netlink attribute ${type} is too long: ${payload.length} bytes`)
  const bytes = Buffer.alloc(align(length))
  bytes.writeUInt16LE(length, 0)
  bytes.writeUInt16LE(type, 2)
  bytes.set(payload, 4)
  return bytes
}

/** An attribute that holds attributes. */
export function nested(type: number, ...children: Uint8Array[]): Buffer {
  return attribute(type | nestedFlag, Buffer.concat(children))
}

export function encodeMessage(message: Message): Buffer {
  const body = Buffer.concat(message.parts)
  const bytes = Buffer.alloc(align(headerLength + body.length))
  bytes.writeUInt32LE(headerLength + body.length, 0)
  bytes.writeUInt16LE(message.type, 4)
  bytes.writeUInt16LE(message.flags, 6)
  bytes.writeUInt32LE(message.sequence ?? 0, 8)
  bytes.set(body, headerLength)
  return bytes
}

/** @throws RangeError when a length field points outside of `bytes` */
export function decodeMessages(bytes: Buffer): DecodedMessage[] {
  const messages: DecodedMessage[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < headerLength) throw new RangeError('truncated netlink header')
    const length = bytes.readUInt32LE(at)
    if (length < headerLength || at + length > bytes.length) throw new RangeError(`bad netlink message length ${length}`)
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + headerLength, at + length),
    })
    at += align(length)
  }
  return messages
}

/** Attributes by type; of a type that occurs more than once the last. @throws RangeError as decodeMessages */
export function decodeAttributes(bytes: Buffer): Attributes {
  const attributes = new Map<number, Buffer>()
  let at = 0
  while (bytes.length - at >= 4) {
    const length = bytes.readUInt16LE(at)
    if (length < 4 || at + length > bytes.length) throw new RangeError(`bad netlink attribute length ${length}`)
    attributes.set(bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + 4, at + length))
    at += align(length)
  }
  return attributes
}

/** The string in an attribute, without its NUL. */
export function textOf(payload: Buffer): string {
  const end = payload.indexOf(0)
  return payload.toString('utf8', 0, end === -1 ? payload.length : end)
}
