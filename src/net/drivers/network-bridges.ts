import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { joinBridge, configureBridgePort } from '../../kernel/netlink/bridge-port.ts'
import { pinAddress } from '../../kernel/netlink/forwarding-entry.ts'
import { createBridge, createVeth, deleteLink, findLink, listLinks, setUp } from '../../kernel/netlink/link.ts'
import type { Link } from '../../kernel/netlink/link.ts'
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import { randomMac } from '../mac-address.ts'
import { sweepBridge } from './bridge-link.ts'
import type { BridgeRoom } from './bridge-room.ts'

/** One bridge of a network, and the host ends of its containers. */
export interface Floor {
  /** 0: the bridge with the gateway's address, on the host. */
  number: number
  index: number
  /** Where it is. */
  socket: NetlinkSocket
  members: Set<string>
}

const prefixes = { bridge: 'gnbr', link: 'gnlk', uplink: 'gnup' } as const
/** The first bridge keeps ports free for links to so many further ones. */
const mostFurther = 64

/**
 * All bridges of one network: behind one gateway and subnet, one link layer. The first is the network's own. When it is full,
 * further ones are made in the room, each with a link to the first, and removed when they are empty. What they are and who is where
 * only the kernel knows: names tell.
 *
 * A container that calls a published port of its own network is sent back by the bridge to where it came from (see
 * configureBridgePort): links have to allow that, and so bring broadcasts back as well. Further bridges must not believe that those who
 * sent them are behind the link: they are told where their containers are.
 *
 * Without traffic between containers ports are isolated from each other. So are the links on the first bridge: then a
 * container of any bridge reaches the gateway and nobody else.
 */
export class NetworkBridges {
  readonly #room: BridgeRoom
  readonly #tag: string
  readonly #mtu: number
  readonly #isolated: boolean
  readonly #floors: Floor[]
  readonly #ports: number

  constructor(options: { networkId: string; room: BridgeRoom; socket: NetlinkSocket; bridge: number; mtu: number; isolated: boolean }) {
    const { networkId, room, socket, bridge, mtu, isolated } = options
    this.#room = room
    this.#ports = room.bridgePorts
    this.#mtu = mtu
    this.#isolated = isolated
    this.#tag = tagOf(networkId)
    this.#floors = [{ number: 0, index: bridge, socket, members: new Set() }]
  }

  /** Finds further bridges, and whose interface is where: after a restart. */
  adopt(owned: ReadonlySet<string>): void {
    const onHost = listLinks(this.#first.socket)
    const inside = this.#room.find()
    const inRoom = inside === undefined ? [] : listLinks(inside.socket)
    this.#note(this.#first, onHost, owned)
    for (const link of inRoom) {
      const number = this.#numberOf(link.name, 'bridge')
      if (number === undefined || inside === undefined) continue
      const floor: Floor = { number, index: link.index, socket: inside.socket, members: new Set() }
      this.#note(floor, inRoom, owned)
      this.#floors.push(floor)
      this.#link(floor)
      sweepBridge(floor.socket, floor.index, owned)
    }
    for (const { name } of onHost) {
      const number = this.#numberOf(name, 'link')
      if (number !== undefined && !this.#floors.some((floor) => floor.number === number)) this.#first.socket.batch([deleteLink(name)])
    }
    this.removeEmpty()
  }

  /** Where there should be space, the first first. They end when a new bridge is full, or cannot be. */
  *candidates(): Generator<Floor, void> {
    for (const floor of this.#floors) if (this.#hasSpace(floor)) yield floor
    if (this.#floors.length <= mostFurther) yield this.#add()
  }

  /** An interface is a port of this bridge now. */
  enter(floor: Floor, { hostInterface, mac }: { hostInterface: string; mac: string }): void {
    floor.members.add(hostInterface)
    if (floor.number === 0) return
    const port = findLink(floor.socket, hostInterface)?.index
    if (port !== undefined) floor.socket.batch([pinAddress({ port, mac })])
  }

  /** The bridge that an interface is a port of, or was until a moment ago. */
  floorOf(hostInterface: string): Floor {
    return this.#floors.find(({ members }) => members.has(hostInterface)) ?? this.#first
  }

  removeEmpty(): void {
    for (const floor of this.#floors.filter(({ number, members }) => number > 0 && members.size === 0)) this.#remove(floor)
  }

  /** All but the first. */
  removeFurther(): void {
    for (const floor of this.#floors.slice(1)) this.#remove(floor)
  }

  get #first(): Floor {
    return this.#floors[0]!
  }

  #note(floor: Floor, links: readonly Link[], owned: ReadonlySet<string>): void {
    for (const { name, master } of links) if (master === floor.index && owned.has(name)) floor.members.add(name)
  }

  #add(): Floor {
    const { socket } = this.#room.ensure()
    const number = Array.from({ length: mostFurther }, (_, at) => at + 1).find((free) => !this.#floors.some((floor) => floor.number === free)) ?? mostFurther
    const name = this.#name('bridge', number)
    // Of a life that ended between two steps.
    socket.batch([deleteLink(name), createBridge({ name, mac: randomMac(), mtu: this.#mtu }), ...setUp({ index: 0, name })])
    const index = findLink(socket, name)?.index
    if (index === undefined) throw new Error(`cannot find bridge ${name} that was just made`)
    const floor: Floor = { number, index, socket, members: new Set() }
    try {
      this.#link(floor)
    } catch (error) {
      socket.batch([deleteLink(name)])
      throw error
    }
    this.#floors.push(floor)
    return floor
  }

  /** The pair of which one end is a port of the first bridge and the other one of `floor`. Fine when it is there. */
  #link({ number, index, socket }: Floor): void {
    const [down, up] = [this.#name('link', number), this.#name('uplink', number)]
    const [there, other] = [findLink(this.#first.socket, down), findLink(socket, up)]
    if (there?.master === this.#first.index && other?.master === index) return
    const { fd } = this.#room.ensure()
    this.#first.socket.batch([deleteLink(down)])
    socket.batch([deleteLink(up)])
    this.#first.socket.batch([
      createVeth({ name: down, master: this.#first.index, mtu: this.#mtu, peer: { name: up, mac: randomMac(), namespaceFd: fd } }),
      configureBridgePort({ name: down, isolated: this.#isolated }),
      ...setUp({ index: 0, name: down }, { ipv6: false }),
    ])
    // One end sends back what it has brought. If both did, it would go round for ever.
    socket.batch([joinBridge({ name: up, bridge: index }), configureBridgePort({ name: up, isolated: false, hairpin: false }), ...setUp({ index: 0, name: up })])
  }

  #remove(floor: Floor): void {
    this.#floors.splice(this.#floors.indexOf(floor), 1)
    this.#first.socket.batch([deleteLink(this.#name('link', floor.number))])
    floor.socket.batch([deleteLink(this.#name('bridge', floor.number))])
    if (!listLinks(floor.socket).some(({ kind }) => kind === 'bridge')) this.#room.remove()
  }

  #hasSpace({ number, members }: Floor): boolean {
    return members.size < this.#ports - (number === 0 ? mostFurther : 1)
  }

  #name(what: 'bridge' | 'link' | 'uplink', number: number): string {
    return `${prefixes[what]}${number}-${this.#tag}`
  }

  #numberOf(name: string, what: 'bridge' | 'link'): number | undefined {
    const [, prefix, number, tag] = /^([a-z]+)(\d+)-([0-9a-f]{8})$/.exec(name) ?? []
    return prefix === prefixes[what] && tag === this.#tag ? Number(number) : undefined
  }
}

/** The host's ends of links to further bridges of a network that are there. */
export function linksToFurther(networkId: string): string[] {
  const name = new RegExp(`\\b${prefixes.link}\\d+-${tagOf(networkId)}\\b`, 'g')
  return readFileSync('/proc/thread-self/net/dev', 'utf8').match(name) ?? []
}

function tagOf(networkId: string): string {
  return createHash('sha256').update(networkId).digest('hex').slice(0, 8)
}
