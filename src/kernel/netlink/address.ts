import { addressBytes, formatAddress, isIPv6Text } from '../../lib/ip-address.ts'
import { family, flag, ifa, rtm } from './constants.ts'
import { attribute, decodeAttributes } from './message.ts'
import type { NetlinkSocket, Request } from './socket.ts'

const EEXIST = 17
const EADDRNOTAVAIL = 99
/** Duplicate address detection would make an address useless for a second or two; whoever allocates addresses knows. */
const IFA_F_NODAD = 0x02

export interface InterfaceAddress {
  index: number
  address: string
  prefix: number
}

/** struct ifaddrmsg */
function addressHeader(of: number, index: number, prefix: number, flags = 0): Buffer {
  const bytes = Buffer.alloc(8)
  bytes[0] = of
  bytes[1] = prefix
  bytes[2] = flags
  bytes.writeUInt32LE(index, 4)
  return bytes
}

/** Of either family. Fine when the link has that address already. */
export function addAddress(wanted: InterfaceAddress & { broadcast?: string }): Request {
  const isV6 = isIPv6Text(wanted.address)
  const bytes = addressBytes(wanted.address)
  return {
    act: `cannot add address ${wanted.address}/${wanted.prefix}`,
    ignore: [EEXIST],
    message: {
      type: rtm.newAddress,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [
        addressHeader(isV6 ? family.inet6 : family.inet, wanted.index, wanted.prefix, isV6 ? IFA_F_NODAD : 0),
        attribute(ifa.local, bytes),
        attribute(ifa.address, bytes),
        ...(wanted.broadcast === undefined ? [] : [attribute(ifa.broadcast, addressBytes(wanted.broadcast))]),
      ],
    },
  }
}

/** Fine when it is not there. */
export function removeAddress(unwanted: InterfaceAddress): Request {
  const of = isIPv6Text(unwanted.address) ? family.inet6 : family.inet
  return {
    act: `cannot remove address ${unwanted.address}/${unwanted.prefix}`,
    ignore: [EADDRNOTAVAIL],
    message: {
      type: rtm.delAddress,
      flags: flag.request | flag.ack,
      parts: [addressHeader(of, unwanted.index, unwanted.prefix), attribute(ifa.local, addressBytes(unwanted.address))],
    },
  }
}

/** Addresses of all links, of both families, also link-local ones. */
export function listAddresses(socket: NetlinkSocket): InterfaceAddress[] {
  const found = socket.dump({
    act: 'cannot list addresses',
    message: { type: rtm.getAddress, flags: 0, parts: [addressHeader(0, 0, 0)] },
  })
  return found.filter(({ payload }) => payload[0] === family.inet || payload[0] === family.inet6).map(({ payload }) => {
    const attributes = decodeAttributes(payload.subarray(8))
    const bytes = attributes.get(ifa.local) ?? attributes.get(ifa.address) ?? Buffer.alloc(4)
    const value = BigInt(`0x${bytes.toString('hex')}`)
    return { index: payload.readUInt32LE(4), prefix: payload[1] ?? 0, address: formatAddress({ family: bytes.length === 4 ? 4 : 6, value }) }
  })
}
