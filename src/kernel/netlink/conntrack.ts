import { formatAddress } from '../../lib/ip-address.ts'
import { family, flag } from './constants.ts'
import { attribute, decodeAttributes, nested, u32, u8 } from './message.ts'
import type { NetlinkSocket, Request } from './socket.ts'

/** linux/netfilter/nfnetlink_conntrack.h */
const getFlow = (1 << 8) | 1
const deleteFlow = (1 << 8) | 2
const cta = { original: 1, reply: 2, id: 12, zone: 18, filter: 25 } as const
const tuple = { addresses: 1, ports: 2 } as const
const ports = { protocol: 1, source: 2, destination: 3 } as const
/** CTA_FILTER_FLAG(CTA_PROTO_NUM) and (CTA_PROTO_DST_PORT) */
const byProtocol = 1 << 3
const byDestinationPort = 1 << 5
const ENOENT = 2

/** A connection as the kernel tracks it. */
export interface Flow {
  family: 4 | 6
  protocol: number
  destination: string
  destinationPort: number
  /** Who really answers: behind a translation not the destination. */
  answering: string
  /** What names it to the kernel. */
  key: readonly (readonly [number, Buffer])[]
}

/** Tracked flows of a protocol. With a port only those to it; a kernel before 5.8 gives more than asked for. */
export function listFlows(socket: NetlinkSocket, { family: of, protocol, port }: { family: 4 | 6; protocol: number; port?: number }): Flow[] {
  const wanted = nested(tuple.ports, attribute(ports.protocol, u8(protocol)), ...(port === undefined ? [] : [attribute(ports.destination, portBytes(port))]))
  const flags = byProtocol | (port === undefined ? 0 : byDestinationPort)
  const found = socket.dump({
    act: 'cannot list tracked connections',
    message: { type: getFlow, flags: 0, parts: [header(of), nested(cta.original, wanted), nested(cta.filter, attribute(1, u32(flags)), attribute(2, u32(0)))] },
  })
  return found.map(({ payload }) => decodeFlow(of, payload)).filter((flow) => flow.protocol === protocol && (port === undefined || flow.destinationPort === port))
}

/** Fine when it is gone. */
export function endFlow({ family: of, key }: Flow): Request {
  return {
    act: 'cannot end a tracked connection',
    ignore: [ENOENT],
    message: { type: deleteFlow, flags: flag.request | flag.ack, parts: [header(of), ...key.map(([type, value]) => (type === cta.original ? nested(type, value) : attribute(type, value)))] },
  }
}

function decodeFlow(of: 4 | 6, payload: Buffer): Flow {
  const attributes = decodeAttributes(payload.subarray(4))
  const original = decodeTuple(of, attributes.get(cta.original) ?? Buffer.alloc(0))
  const reply = decodeTuple(of, attributes.get(cta.reply) ?? Buffer.alloc(0))
  const key = [cta.original, cta.zone, cta.id].flatMap((type) => (attributes.has(type) ? [[type, attributes.get(type) as Buffer] as const] : []))
  return { family: of, protocol: original.protocol, destination: original.destination, destinationPort: original.port, answering: reply.source, key }
}

function decodeTuple(of: 4 | 6, bytes: Buffer): { protocol: number; source: string; destination: string; port: number } {
  const parts = decodeAttributes(bytes)
  const addresses = decodeAttributes(parts.get(tuple.addresses) ?? Buffer.alloc(0))
  const places = decodeAttributes(parts.get(tuple.ports) ?? Buffer.alloc(0))
  const [source, destination] = of === 4 ? [addresses.get(1), addresses.get(2)] : [addresses.get(3), addresses.get(4)]
  return { protocol: places.get(ports.protocol)?.[0] ?? 0, source: addressText(of, source), destination: addressText(of, destination), port: places.get(ports.destination)?.readUInt16BE(0) ?? 0 }
}

function addressText(of: 4 | 6, bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : formatAddress({ family: of, value: BigInt(`0x${bytes.toString('hex')}`) })
}

function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(port)
  return bytes
}

/** struct nfgenmsg */
function header(of: 4 | 6): Buffer {
  return Buffer.from([of === 4 ? family.inet : family.inet6, 0, 0, 0])
}
