import { addAddress, listAddresses } from '../kernel/netlink/address.ts'
import { createBridge, deleteLink, findLink, setUp } from '../kernel/netlink/link.ts'
import type { NetlinkSocket } from '../kernel/netlink/socket.ts'
import { GantryError } from '../lib/errors.ts'
import { formatIPv4 } from './ipv4.ts'
import type { Subnet } from './ipv4.ts'
import { randomMac } from './mac-address.ts'

export interface BridgeSettings {
  name: string
  subnet: Subnet
  mtu: number
}

/**
 * The bridge with its address, up. One that exists already is taken over as it is.
 * @returns its interface index
 * @throws Conflict when that name belongs to something else or has another address
 */
export function ensureBridge(socket: NetlinkSocket, { name, subnet, mtu }: BridgeSettings): number {
  if (findLink(socket, name) === undefined) socket.batch([createBridge({ name, mac: randomMac(), mtu })])
  const link = findLink(socket, name)
  if (link === undefined) throw new Error(`cannot find bridge ${name} that was just made`)
  if (link.kind !== 'bridge') throw new GantryError('Conflict', `cannot use ${name} as bridge: it is a ${link.kind || 'plain'} interface`)
  const address = formatIPv4(subnet.gateway)
  const others = listAddresses(socket).filter(({ index }) => index === link.index).map((one) => `${one.address}/${one.prefix}`)
  if (others.length > 0 && !others.includes(`${address}/${subnet.prefix}`)) {
    throw new GantryError('Conflict', `cannot use bridge ${name} with ${address}/${subnet.prefix}: it has ${others.join(', ')}`)
  }
  socket.batch([
    addAddress({ index: link.index, address, prefix: subnet.prefix, broadcast: formatIPv4(subnet.broadcast) }),
    ...setUp({ index: link.index }),
  ])
  return link.index
}

/** The address of a bridge that is there, "172.17.0.1/16". */
export function bridgeAddress(socket: NetlinkSocket, name: string): string | undefined {
  const link = findLink(socket, name)
  const found = link && listAddresses(socket).find(({ index }) => index === link.index)
  return found && `${found.address}/${found.prefix}`
}

export function removeBridge(socket: NetlinkSocket, name: string): void {
  socket.batch([deleteLink(name)])
}
