import { flag } from './constants.ts'
import { attribute } from './message.ts'
import type { Request } from './socket.ts'

const newNeighbour = 28
const AF_BRIDGE = 7
const NUD_NOARP = 0x40
const [NTF_MASTER, NTF_STICKY] = [0x04, 0x40]
const NDA_LLADDR = 2
const replace = 0x100

/**
 * Tells a bridge behind which port an address is, for good: a frame with that sender that comes in by another port changes nothing
 * (bridge(8), "sticky"). It goes with the port.
 */
export function pinAddress({ port, mac }: { port: number; mac: string }): Request {
  // struct ndmsg: family, padding, ifindex, state, flags, type
  const head = Buffer.alloc(12)
  head[0] = AF_BRIDGE
  head.writeInt32LE(port, 4)
  head.writeUInt16LE(NUD_NOARP, 8)
  head[10] = NTF_MASTER | NTF_STICKY
  return {
    act: `cannot pin ${mac} to its bridge port`,
    message: { type: newNeighbour, flags: flag.request | flag.ack | flag.create | replace, parts: [head, attribute(NDA_LLADDR, Buffer.from(mac.replaceAll(':', ''), 'hex'))] },
  }
}
