import { DbusReader, DbusWriter, type DbusValue, type Variant } from './value.ts'

export const messageTypes = { call: 1, reply: 2, error: 3, signal: 4 } as const

/** A message (D-Bus Specification, "Message Format"). */
export interface DbusMessage {
  type: number
  serial: number
  path?: string
  interface?: string
  member?: string
  errorName?: string
  replySerial?: number
  destination?: string
  sender?: string
  signature?: string
  body?: readonly DbusValue[]
}

const littleEndian = 'l'.charCodeAt(0)
const protocolVersion = 1
const fixedSize = 16
const largestMessage = 128 << 20
/** Code and type of each header field. */
const fields = {
  path: [1, 'o'], interface: [2, 's'], member: [3, 's'], errorName: [4, 's'], replySerial: [5, 'u'], destination: [6, 's'], sender: [7, 's'], signature: [8, 'g'],
} as const

export function encodeMessage(message: DbusMessage): Buffer {
  const body = new DbusWriter()
  body.write(message.signature ?? '', message.body ?? [])
  const content = body.bytes()
  const header: DbusValue[] = []
  for (const [name, [code, signature]] of Object.entries(fields)) {
    const value = message[name as keyof typeof fields]
    if (value !== undefined && value !== '') header.push([code, { signature, value }])
  }
  const writer = new DbusWriter()
  writer.write('yyyyuua(yv)', [littleEndian, message.type, 0, protocolVersion, content.length, message.serial, header])
  writer.align(8)
  return Buffer.concat([writer.bytes(), content])
}

/** The first message in `bytes` and its size; undefined when there is not all of it. @throws Error for what is no message of ours */
export function decodeMessage(bytes: Buffer): { message: DbusMessage; size: number } | undefined {
  if (bytes.length < fixedSize) return undefined
  if (bytes[0] !== littleEndian || bytes[3] !== protocolVersion) throw new Error('not a little-endian D-Bus message of version 1')
  const headerSize = Math.ceil((fixedSize + bytes.readUInt32LE(12)) / 8) * 8
  const size = headerSize + bytes.readUInt32LE(4)
  if (size > largestMessage) throw new Error(`D-Bus message of ${size} bytes is too long`)
  if (bytes.length < size) return undefined
  const [, type, , , , serial, rows] = new DbusReader(bytes.subarray(0, size)).read('yyyyuua(yv)')
  const names = new Map<unknown, string>(Object.entries(fields).map(([name, [code]]) => [code, name]))
  const found = (rows as readonly (readonly [number, Variant])[]).flatMap(([code, { value }]) => (names.has(code) ? [[names.get(code)!, value] as const] : []))
  const message = { type: type as number, serial: serial as number, ...Object.fromEntries(found) } as DbusMessage
  if (message.signature !== undefined) message.body = new DbusReader(bytes.subarray(headerSize, size)).read(message.signature)
  return { message, size }
}
