import { bridgePortHairpin, flag, ifla, linkInfo, rtm } from './constants.ts'
import { attribute, nested, text, u32, u8 } from './message.ts'
import type { Request } from './socket.ts'

/** IFLA_BRPORT_ISOLATED */
const bridgePortIsolated = 33

/**
 * Hairpin lets a port send a frame back to where it came from: with br_netfilter, a container that calls its own published
 * port is answered by the bridge itself. An isolated port reaches the bridge but no other isolated port: no traffic between
 * containers, without the packet filter and whether or not br_netfilter is there.
 */
export function configureBridgePort({ name, isolated, hairpin = true }: { name: string; isolated: boolean; hairpin?: boolean }): Request {
  return {
    act: `cannot configure bridge port ${name}`,
    message: {
      type: rtm.newLink,
      flags: flag.request | flag.ack,
      parts: [
        Buffer.alloc(16), attribute(ifla.ifname, text(name)),
        nested(ifla.linkInfo, attribute(linkInfo.slaveKind, text('bridge')),
          nested(linkInfo.slaveData, attribute(bridgePortHairpin, u8(hairpin ? 1 : 0)), ...(isolated ? [attribute(bridgePortIsolated, u8(1))] : []))),
      ],
    },
  }
}

/** Makes a link a port of a bridge, whatever it belonged to before. */
export function joinBridge(port: { name: string; bridge: number }): Request {
  return {
    act: `cannot make ${port.name} a bridge port`,
    message: { type: rtm.newLink, flags: flag.request | flag.ack, parts: [Buffer.alloc(16), attribute(ifla.ifname, text(port.name)), attribute(ifla.master, u32(port.bridge))] },
  }
}
