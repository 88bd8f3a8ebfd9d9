import { nameBytes } from '../../../../src/net/dns/wire.ts'

/** A query as a stub resolver sends it. */
export function question(name: string, options: { id?: number; type?: number; class?: number; udpSize?: number; flags?: number } = {}): Buffer {
  const { id = 0x1234, type = 1, udpSize, flags = 0x0100 } = options
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(flags, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(udpSize === undefined ? 0 : 1, 10)
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(options.class ?? 1, 2)
  const opt = Buffer.alloc(udpSize === undefined ? 0 : 11)
  if (udpSize !== undefined) {
    opt.writeUInt16BE(41, 1)
    opt.writeUInt16BE(udpSize, 3)
  }
  return Buffer.concat([head, name === '' ? Buffer.of(0) : nameBytes(name), tail, opt])
}

/** A server's answer: these IPv4 addresses, or a failure. */
export function answer(query: Buffer, options: { addresses?: readonly string[]; code?: number; ttl?: number } = {}): Buffer {
  const { addresses = [], code = 0 } = options
  const end = query.indexOf(0, 12) + 5
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt16BE(0, 10)
  const records = addresses.map((address) => Buffer.concat([Buffer.from('c00c00010001', 'hex'), Buffer.of(0, 0, 0, options.ttl ?? 60, 0, 4), Buffer.from(address.split('.').map(Number))]))
  return Buffer.concat([head, query.subarray(12, end), ...records])
}

export interface Reply {
  id: number
  code: number
  isTruncated: boolean
  addresses: string[]
  ttls: number[]
  pointers: string[]
  hasOpt: boolean
}

/** Reads an answer without the code under test. */
export function read(packet: Buffer): Reply {
  const reply: Reply = { id: packet.readUInt16BE(0), code: packet.readUInt16BE(2) & 15, isTruncated: (packet.readUInt16BE(2) & 0x200) !== 0, addresses: [], ttls: [], pointers: [], hasOpt: false }
  let at = 12
  const name = (start: number): { text: string; end: number } => {
    const labels: string[] = []
    let where = start
    while (packet[where] !== 0) {
      const length = packet[where] ?? 0
      if (length >= 0xc0) return { text: [...labels, name(packet.readUInt16BE(where) & 0x3fff).text].join('.'), end: where + 2 }
      labels.push(packet.toString('utf8', where + 1, where + 1 + length))
      where += 1 + length
    }
    return { text: labels.join('.'), end: where + 1 }
  }
  for (let number = packet.readUInt16BE(4); number > 0; number--) at = name(at).end + 4
  for (let number = packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10); number > 0; number--) {
    at = name(at).end
    const [type, length] = [packet.readUInt16BE(at), packet.readUInt16BE(at + 8)]
    const data = packet.subarray(at + 10, at + 10 + length)
    if (type === 1) reply.addresses.push(data.join('.'))
    if (type === 28) reply.addresses.push(data.toString('hex'))
    if (type === 12) reply.pointers.push(name(at + 10).text)
    if (type === 41) reply.hasOpt = true
    else reply.ttls.push(packet.readUInt32BE(at + 4))
    at += 10 + length
  }
  if (at !== packet.length) throw new Error(`${packet.length - at} bytes too many`)
  return reply
}
