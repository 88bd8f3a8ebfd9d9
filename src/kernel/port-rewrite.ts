import { addressBytes } from '../lib/ip-address.ts'
import { family, flag, nft } from './netlink/constants.ts'
import { NetlinkError } from './netlink/acknowledgement.ts'
import { attribute, nested, text } from './netlink/message.ts'
import type { NetlinkSocket, Request } from './netlink/socket.ts'

/** linux/netfilter/nf_tables.h */
const newTable = (10 << 8) | 0
const deleteTable = (10 << 8) | 2
const newChain = (10 << 8) | 3
const newRule = (10 << 8) | 6
/** The table goes with the socket that made it, and nobody else can change or flush it (since Linux 5.12). */
const tableOwned = 2
const localOut = 3
const append = 0x800
const register = 1
const networkHeader = 1
const transportHeader = 2
const EINVAL = 22
const EOPNOTSUPP = 95

/** Where the checksum is in the header, by protocol. */
const protocols = [{ number: 17, checksum: 6 }, { number: 6, checksum: 16 }] as const

export interface PortRewrite {
  table: string
  /** A local IPv4 address. */
  address: string
  /** Under which local programs find it. */
  port: number
  /** Where the socket really is. */
  socketPort: number
}

/**
 * Lets local programs reach sockets of TCP and UDP under another port than the one they are bound to, so that this port stays
 * free for others. Ports are written into packets on their way out, without connection tracking: queries last and answers
 * first, so that all other rules of the namespace see the port that programs see.
 * @param socket of nfnetlink in that namespace; the rules last as long as it is open
 */
export function rewritePort(socket: NetlinkSocket, rewrite: PortRewrite): void {
  try {
    // One of an earlier socket may not have gone yet. The rules that came last are the first to be used.
    load(socket, { ...rewrite, table: `${rewrite.table}-${rewrite.socketPort}` }, tableOwned)
  } catch (error) {
    if (!(error instanceof NetlinkError) || ![EINVAL, EOPNOTSUPP].includes(error.errno)) throw error
    load(socket, rewrite, 0)
  }
}

function load(socket: NetlinkSocket, { table, address, port, socketPort }: PortRewrite, flags: number): void {
  const act = `cannot load rules for ${address}:${port}`
  const name = attribute(1, text(table))
  const request = (type: number, extra: number, ...parts: Buffer[]): Request => ({
    act, message: { type, flags: flag.request | flag.ack | extra, parts: [header(family.inet), ...parts] },
  })
  const bracket = (type: number): Request => ({ act, message: { type, flags: flag.request, parts: [header(0, nft.subsystem)] } })
  const chain = (of: string, priority: number): Request => request(newChain, flag.create,
    name, attribute(3, text(of)), nested(4, attribute(1, be32(localOut)), attribute(2, be32(priority))), attribute(7, text('filter')))
  const rule = (of: string, ...expressions: Buffer[]): Request => request(newRule, flag.create | append, name, attribute(2, text(of)), nested(4, ...expressions))
  const host = addressBytes(address)
  socket.batch([
    bracket(nft.batchBegin),
    request(newTable, flag.create, name),
    request(deleteTable, 0, name),
    request(newTable, flag.create, name, ...(flags === 0 ? [] : [attribute(2, be32(flags))])),
    chain('answers', -350),
    chain('queries', 350),
    ...protocols.flatMap((protocol) => [
      rule('answers', ...matching({ protocol, addressAt: 12, host, portAt: 0, port: socketPort }), ...writing(protocol, 0, port)),
      rule('queries', ...matching({ protocol, addressAt: 16, host, portAt: 2, port }), ...writing(protocol, 2, socketPort)),
    ]),
    bracket(nft.batchEnd),
  ])
}

interface Match {
  protocol: (typeof protocols)[number]
  addressAt: number
  host: Buffer
  portAt: number
  port: number
}

function matching({ protocol, addressAt, host, portAt, port }: Match): Buffer[] {
  return [
    // The key NFT_META_L4PROTO.
    expression('meta', attribute(1, be32(register)), attribute(2, be32(16))),
    equal(Buffer.of(protocol.number)),
    payload(networkHeader, addressAt, 4),
    equal(host),
    payload(transportHeader, portAt, 2),
    equal(be16(port)),
  ]
}

function writing({ checksum }: Match['protocol'], at: number, port: number): Buffer[] {
  return [
    expression('immediate', attribute(1, be32(register)), nested(2, attribute(1, be16(port)))),
    expression('payload', attribute(5, be32(register)), attribute(2, be32(transportHeader)), attribute(3, be32(at)), attribute(4, be32(2)),
      attribute(6, be32(1)), attribute(7, be32(checksum))),
  ]
}

function payload(base: number, offset: number, length: number): Buffer {
  return expression('payload', attribute(1, be32(register)), attribute(2, be32(base)), attribute(3, be32(offset)), attribute(4, be32(length)))
}

function equal(value: Buffer): Buffer {
  return expression('cmp', attribute(1, be32(register)), attribute(2, be32(0)), nested(3, attribute(1, value)))
}

function expression(kind: string, ...data: Buffer[]): Buffer {
  return nested(1, attribute(1, text(kind)), nested(2, ...data))
}

/** struct nfgenmsg */
function header(ofFamily: number, resource = 0): Buffer {
  return Buffer.from([ofFamily, 0, resource >> 8, resource & 0xff])
}

function be16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}
