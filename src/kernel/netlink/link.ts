import {
  addrGenNone, devconfArpNotify, family, flag, ifla, iffUp, inet6AddrGenMode, inetConf, linkInfo, rtm, vethPeer,
} from './constants.ts'
import { attribute, decodeAttributes, nested, text, textOf, u32, u8 } from './message.ts'
import type { DecodedMessage } from './message.ts'
import type { NetlinkSocket, Request } from './socket.ts'

const ENODEV = 19

export interface Link {
  index: number
  name: string
  up: boolean
  mtu: number
  mac: string
  /** Index of the bridge it is a port of, 0 for none. */
  master: number
  kind: string
}

export interface VethPair {
  name: string
  master: number
  mtu: number
  peer: { name: string; mac: string; namespaceFd: number }
}

/** struct ifinfomsg */
function ifInfo(index: number, flags = 0, change = 0): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(flags, 8)
  bytes.writeUInt32LE(change, 12)
  return bytes
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}

/** The link gets no IPv6 link-local address when it comes up. */
function noIPv6Address(): Buffer {
  return nested(ifla.afSpec, nested(family.inet6, attribute(inet6AddrGenMode, u8(addrGenNone))))
}

/**
 * A pair of which one end is a port of a bridge and the other is born inside another namespace, so that it never
 * shows up in ours. One queue each: the default is one per CPU, which costs time and memory and gives nothing here.
 */
export function createVeth(pair: VethPair): Request {
  const queues = [attribute(ifla.txQueues, u32(1)), attribute(ifla.rxQueues, u32(1))]
  const peer = Buffer.concat([
    ifInfo(0),
    attribute(ifla.ifname, text(pair.peer.name)),
    attribute(ifla.address, macBytes(pair.peer.mac)),
    attribute(ifla.mtu, u32(pair.mtu)),
    attribute(ifla.netnsFd, u32(pair.peer.namespaceFd)),
    ...queues,
  ])
  return {
    act: `cannot create veth pair ${pair.name}`,
    message: {
      type: rtm.newLink,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [
        ifInfo(0),
        attribute(ifla.ifname, text(pair.name)),
        attribute(ifla.mtu, u32(pair.mtu)),
        attribute(ifla.master, u32(pair.master)),
        ...queues,
        nested(ifla.linkInfo, attribute(linkInfo.kind, text('veth')), nested(linkInfo.data, attribute(vethPeer, peer))),
      ],
    },
  }
}

export function createBridge(bridge: { name: string; mac: string; mtu: number }): Request {
  return {
    act: `cannot create bridge ${bridge.name}`,
    message: {
      type: rtm.newLink,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [
        ifInfo(0),
        attribute(ifla.ifname, text(bridge.name)),
        attribute(ifla.address, macBytes(bridge.mac)),
        attribute(ifla.mtu, u32(bridge.mtu)),
        nested(ifla.linkInfo, attribute(linkInfo.kind, text('bridge'))),
      ],
    },
  }
}

/** Sets the link up. `ipv6: false` first takes away its way to a link-local address. */
export function setUp(link: { index: number; name?: string }, options: { ipv6: boolean } = { ipv6: true }): Request[] {
  const target = link.index === 0 ? [attribute(ifla.ifname, text(link.name ?? ''))] : []
  const act = `cannot bring up link ${link.name ?? link.index}`
  const flags = flag.request | flag.ack
  const up: Request = { act, message: { type: rtm.newLink, flags, parts: [ifInfo(link.index, iffUp, iffUp), ...target] } }
  if (options.ipv6) return [up]
  // A host without IPv6 refuses this, and needs it not.
  const EAFNOSUPPORT = 97
  const quiet: Request = {
    act, ignore: [EAFNOSUPPORT], message: { type: rtm.setLink, flags, parts: [ifInfo(link.index), ...target, noIPv6Address()] },
  }
  return [quiet, up]
}

/**
 * Has the kernel tell the neighbours when the link comes up which hardware address its addresses have (arp_notify): an address
 * that another container had a moment ago would be looked for at that one's.
 */
export function announce(index: number): Request {
  const conf = nested(ifla.afSpec, nested(family.inet, nested(inetConf, attribute(devconfArpNotify, u32(1)))))
  return { act: `cannot configure link ${index}`, message: { type: rtm.setLink, flags: flag.request | flag.ack, parts: [ifInfo(index), conf] } }
}

/** Of a link that is down. */
export function renameLink(index: number, name: string): Request {
  return {
    act: `cannot call link ${index} ${name}`,
    message: { type: rtm.setLink, flags: flag.request | flag.ack, parts: [ifInfo(index), attribute(ifla.ifname, text(name))] },
  }
}

export function setHardwareAddress(index: number, mac: string): Request {
  return {
    act: `cannot give link ${index} the address ${mac}`,
    message: { type: rtm.setLink, flags: flag.request | flag.ack, parts: [ifInfo(index), attribute(ifla.address, macBytes(mac))] },
  }
}

/** Removes a link; of a veth pair both ends go. Fine when there is none. */
export function deleteLink(name: string): Request {
  return {
    act: `cannot remove link ${name}`,
    ignore: [ENODEV],
    message: { type: rtm.delLink, flags: flag.request | flag.ack, parts: [ifInfo(0), attribute(ifla.ifname, text(name))] },
  }
}

export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  const reply = socket.get({
    act: `cannot look up link ${name}`,
    message: { type: rtm.getLink, flags: 0, parts: [ifInfo(0), attribute(ifla.ifname, text(name))] },
  })
  return reply === undefined ? undefined : decodeLink(reply)
}

export function listLinks(socket: NetlinkSocket): Link[] {
  return socket.dump({ act: 'cannot list links', message: { type: rtm.getLink, flags: 0, parts: [ifInfo(0)] } }).map(decodeLink)
}

function decodeLink({ payload }: DecodedMessage): Link {
  const attributes = decodeAttributes(payload.subarray(16))
  const info = attributes.get(ifla.linkInfo)
  const kind = info === undefined ? undefined : decodeAttributes(info).get(linkInfo.kind)
  return {
    index: payload.readInt32LE(4),
    up: (payload.readUInt32LE(8) & iffUp) !== 0,
    name: textOf(attributes.get(ifla.ifname) ?? Buffer.alloc(0)),
    mtu: attributes.get(ifla.mtu)?.readUInt32LE(0) ?? 0,
    mac: attributes.get(ifla.address)?.toString('hex').replaceAll(/(..)(?=.)/g, '$1:') ?? '',
    master: attributes.get(ifla.master)?.readUInt32LE(0) ?? 0,
    kind: kind === undefined ? '' : textOf(kind),
  }
}
