import { family, flag, ifa, rta, rtm } from './constants.ts'
import { attribute, decodeAttributes, u32 } from './message.ts'
import type { NetlinkSocket, Request } from './socket.ts'

const EEXIST = 17

export interface InterfaceAddress {
  index: number
  /** Dotted. */
  address: string
  prefix: number
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

/** struct ifaddrmsg */
function addressHeader(index: number, prefix: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes[0] = family.inet
  bytes[1] = prefix
  bytes.writeUInt32LE(index, 4)
  return bytes
}

/** Fine when the link has that address already. */
export function addAddress(wanted: InterfaceAddress & { broadcast: string }): Request {
  return {
    act: `cannot add address ${wanted.address}/${wanted.prefix}`,
    ignore: [EEXIST],
    message: {
      type: rtm.newAddress,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [
        addressHeader(wanted.index, wanted.prefix),
        attribute(ifa.local, ipv4Bytes(wanted.address)),
        attribute(ifa.address, ipv4Bytes(wanted.address)),
        attribute(ifa.broadcast, ipv4Bytes(wanted.broadcast)),
      ],
    },
  }
}

/** IPv4 addresses of all links. */
export function listAddresses(socket: NetlinkSocket): InterfaceAddress[] {
  const found = socket.dump({
    act: 'cannot list addresses',
    message: { type: rtm.getAddress, flags: 0, parts: [addressHeader(0, 0)] },
  })
  return found.filter(({ payload }) => payload[0] === family.inet).map(({ payload }) => {
    const attributes = decodeAttributes(payload.subarray(8))
    const local = attributes.get(ifa.local) ?? attributes.get(ifa.address) ?? Buffer.alloc(4)
    return { index: payload.readUInt32LE(4), prefix: payload[1] ?? 0, address: [...local].join('.') }
  })
}

export function addDefaultRoute(route: { gateway: string; index: number }): Request {
  const tableMain = 254
  const protocolBoot = 3
  const unicast = 1
  // struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags
  const header = Buffer.from([family.inet, 0, 0, 0, tableMain, protocolBoot, 0, unicast, 0, 0, 0, 0])
  return {
    act: `cannot add default route via ${route.gateway}`,
    message: {
      type: rtm.newRoute,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [header, attribute(rta.oif, u32(route.index)), attribute(rta.gateway, ipv4Bytes(route.gateway))],
    },
  }
}
