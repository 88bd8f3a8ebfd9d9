import { flag, ifla, linkInfo, rtm, vethPeer } from './constants.ts'
import { attribute, nested, text, u32 } from './message.ts'
import type { Request } from './socket.ts'

const EEXIST = 17
const IFF_NOARP = 0x80
/** Of any length: what passes has passed another interface already. */
const mtu = 65_535
/** Locally administered. The same on both ends: without ARP a packet is addressed to the sender's own address. */
const mac = Buffer.from([2, 0x67, 0x6e, 0, 0, 1])

/** struct ifinfomsg */
function withoutArp(): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(IFF_NOARP, 8)
  bytes.writeUInt32LE(IFF_NOARP, 12)
  return bytes
}

/**
 * A veth pair with both ends here, without neighbours: what is sent by one end comes in again by the other.
 * Fine when it is there.
 */
export function createLoopPair({ sender, receiver }: { sender: string; receiver: string }): Request {
  return {
    act: `cannot create veth pair ${sender}`,
    ignore: [EEXIST],
    message: {
      type: rtm.newLink,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [...endOf(sender), nested(ifla.linkInfo, attribute(linkInfo.kind, text('veth')), nested(linkInfo.data, attribute(vethPeer, Buffer.concat(endOf(receiver)))))],
    },
  }
}

function endOf(name: string): Buffer[] {
  return [withoutArp(), attribute(ifla.ifname, text(name)), attribute(ifla.address, mac), attribute(ifla.mtu, u32(mtu)), attribute(ifla.txQueues, u32(1)), attribute(ifla.rxQueues, u32(1))]
}
