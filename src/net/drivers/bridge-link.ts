import { addAddress, listAddresses } from '../../kernel/netlink/address.ts'
import { configureBridgePort, joinBridge } from '../../kernel/netlink/bridge-port.ts'
import { createBridge, deleteLink, findLink, listLinks, setUp } from '../../kernel/netlink/link.ts'
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import { GantryError } from '../../lib/errors.ts'
import { isIPv6Text } from '../../lib/ip-address.ts'
import { broadcastOf, parseCidr } from '../ip-prefix.ts'
import { randomMac } from '../mac-address.ts'

export interface BridgeLink {
  name: string
  mtu: number
  /** The bridge's own, with prefix: "172.17.0.1/16". */
  addresses: readonly string[]
}

const ourPort = /^veth[0-9a-f]{7}$/

/**
 * The bridge with its addresses, up. One that exists already is taken over as it is.
 * @returns its interface index and whether this call made it
 * @throws Conflict when that name belongs to something else or has another IPv4 address
 */
export function ensureBridge(socket: NetlinkSocket, bridge: BridgeLink): { index: number; made: boolean } {
  const { name, mtu } = bridge
  if (findLink(socket, name) !== undefined) return { index: configure(socket, bridge), made: false }
  socket.batch([createBridge({ name, mac: randomMac(), mtu })])
  try {
    return { index: configure(socket, bridge), made: true }
  } catch (error) {
    socket.batch([deleteLink(name)])
    throw error
  }
}

function configure(socket: NetlinkSocket, { name, addresses }: BridgeLink): number {
  const link = findLink(socket, name)
  if (link === undefined) throw new Error(`cannot find bridge ${name}`)
  if (link.kind !== 'bridge') throw new GantryError('Conflict', `existing interface ${name} is not a bridge`)
  const there = listAddresses(socket).filter(({ index }) => index === link.index).map((one) => `${one.address}/${one.prefix}`)
  const wanted = addresses.find((address) => !isIPv6Text(address))
  const others = there.filter((address) => !isIPv6Text(address))
  if (wanted !== undefined && others.length > 0 && !others.includes(wanted)) {
    throw new GantryError('Conflict', `cannot use bridge ${name} with ${wanted}: it has ${others.join(', ')}`)
  }
  socket.batch([
    ...addresses.filter((address) => !there.includes(address)).map((cidr) => {
      const { address, prefix } = parseCidr(cidr)
      const text = cidr.split('/')[0] ?? ''
      return addAddress({ index: link.index, address: text, prefix: prefix.length, broadcast: address.family === 4 ? broadcastOf(prefix) : undefined })
    }),
    ...setUp({ index: link.index }),
  ])
  return link.index
}

/** The first IPv4 address of a bridge that is there, "172.17.0.1/16". */
export function bridgeAddress(socket: NetlinkSocket, name: string): string | undefined {
  const link = findLink(socket, name)
  const found = link && listAddresses(socket).find(({ index, address }) => index === link.index && !isIPv6Text(address))
  return found && `${found.address}/${found.prefix}`
}

/** The interfaces of endpoints that live, when somebody has taken the bridge away under them. */
export function adoptPorts(socket: NetlinkSocket, bridge: number, options: { owned: ReadonlySet<string>; isolated: boolean }): void {
  const lost = options.owned.size === 0 ? [] : listLinks(socket).filter(({ name, master }) => options.owned.has(name) && master !== bridge)
  if (lost.length > 0) socket.batch(lost.flatMap(({ name }) => [joinBridge({ name, bridge }), configureBridgePort({ name, isolated: options.isolated })]))
}

/** Removes the ports of our bridge that nobody owns: of a life that ended between two steps. */
export function sweepBridge(socket: NetlinkSocket, bridge: number, owned: ReadonlySet<string>): void {
  const strays = listLinks(socket).filter(({ name, master }) => master === bridge && ourPort.test(name) && !owned.has(name))
  if (strays.length > 0) socket.batch(strays.map(({ name }) => deleteLink(name)))
}
