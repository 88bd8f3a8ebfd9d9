import { family, flag, ifa, ifla, iffUp, rtm } from './constants.ts'
import { attribute, decodeAttributes, text, u32 } from './message.ts'
import type { NetlinkSocket, Request } from './socket.ts'

/** An address with what is needed to give it again: struct ifaddrmsg without its index, and attributes. */
export interface KeptAddress {
  header: Buffer
  attributes: readonly (readonly [number, Buffer])[]
}

const EEXIST = 17
const scopeGlobal = 0
const IFA_F_PERMANENT = 0x80
const kept = [ifa.address, ifa.local, ifa.broadcast]

/** Permanent global addresses of a link, of both families; a link loses its addresses when it changes its namespace. */
export function keepAddresses(socket: NetlinkSocket, index: number): KeptAddress[] {
  const all = socket.dump({ act: 'cannot list addresses', message: { type: rtm.getAddress, flags: 0, parts: [Buffer.alloc(8)] } })
  return all
    .filter(({ payload }) => payload.readUInt32LE(4) === index && payload[3] === scopeGlobal && (payload[2]! & IFA_F_PERMANENT) !== 0)
    .filter(({ payload }) => payload[0] === family.inet || payload[0] === family.inet6)
    .map(({ payload }) => {
      const found = decodeAttributes(payload.subarray(8))
      const attributes = kept.flatMap((type) => (found.has(type) ? [[type, Buffer.from(found.get(type)!)] as const] : []))
      return { header: Buffer.from(payload.subarray(0, 4)), attributes }
    })
}

/** Moves a link to the network namespace of a descriptor, under a name there. */
export function moveLink({ index, name, namespaceFd }: { index: number; name: string; namespaceFd: number }): Request {
  return {
    act: `cannot move link ${name}`,
    message: { type: rtm.newLink, flags: flag.request | flag.ack, parts: [linkHeader(index, 0), attribute(ifla.ifname, text(name)), attribute(ifla.netnsFd, u32(namespaceFd))] },
  }
}

/** What makes a moved link what it was: up, with its addresses. */
export function reviveLink(index: number, addresses: readonly KeptAddress[]): Request[] {
  const up: Request = { act: `cannot bring up link ${index}`, message: { type: rtm.newLink, flags: flag.request | flag.ack, parts: [linkHeader(index, iffUp)] } }
  const given = addresses.map(({ header, attributes }): Request => ({
    act: `cannot give link ${index} its address`,
    ignore: [EEXIST],
    message: {
      type: rtm.newAddress, flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [Buffer.concat([header, u32(index)]), ...attributes.map(([type, value]) => attribute(type, value))],
    },
  }))
  return [...given, up]
}

/** struct ifinfomsg */
function linkHeader(index: number, flags: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(flags, 8)
  bytes.writeUInt32LE(flags, 12)
  return bytes
}
