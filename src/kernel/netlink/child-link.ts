import { flag, ifla, linkInfo, rtm } from './constants.ts'
import { attribute, nested, text, u32 } from './message.ts'
import type { Request } from './socket.ts'

/** Modes by their names in linux/if_link.h. */
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const
export const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const
export const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const

export type ChildLink = { name: string; parent: number; mtu?: number; mac?: string; namespaceFd?: number } & (
  | { kind: 'macvlan'; mode: keyof typeof macvlanModes }
  | { kind: 'ipvlan'; mode: keyof typeof ipvlanModes; flag: keyof typeof ipvlanFlags }
  | { kind: 'vlan'; id: number }
)

/** A link on top of another one, born in the namespace of `namespaceFd`. */
export function createChildLink(child: ChildLink): Request {
  return {
    act: `cannot create ${child.kind} link ${child.name}`,
    message: {
      type: rtm.newLink,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [
        Buffer.alloc(16),
        attribute(ifla.ifname, text(child.name)),
        attribute(ifla.link, u32(child.parent)),
        ...(child.mtu === undefined ? [] : [attribute(ifla.mtu, u32(child.mtu))]),
        ...(child.mac === undefined ? [] : [attribute(ifla.address, Buffer.from(child.mac.replaceAll(':', ''), 'hex'))]),
        ...(child.namespaceFd === undefined ? [] : [attribute(ifla.netnsFd, u32(child.namespaceFd))]),
        nested(ifla.linkInfo, attribute(linkInfo.kind, text(child.kind)), nested(linkInfo.data, ...settingsOf(child))),
      ],
    },
  }
}

/** A link that goes nowhere. */
export function createDummy(name: string): Request {
  return {
    act: `cannot create dummy link ${name}`,
    message: {
      type: rtm.newLink,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [Buffer.alloc(16), attribute(ifla.ifname, text(name)), nested(ifla.linkInfo, attribute(linkInfo.kind, text('dummy')))],
    },
  }
}

function settingsOf(child: ChildLink): Buffer[] {
  if (child.kind === 'macvlan') return [attribute(1, u32(macvlanModes[child.mode]))]
  if (child.kind === 'vlan') return [attribute(1, u16(child.id))]
  return [attribute(1, u16(ipvlanModes[child.mode])), attribute(2, u16(ipvlanFlags[child.flag]))]
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
