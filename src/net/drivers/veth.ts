import { randomBytes } from 'node:crypto'
import { KernelError } from '../../kernel/failure.ts'
import { configureBridgePort } from '../../kernel/netlink/bridge-port.ts'
import { createVeth, deleteLink, findLink, setUp } from '../../kernel/netlink/link.ts'
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import type { Endpoint } from '../contract.ts'
import type { WayOut } from './contract.ts'
import type { HostLinks } from './host-links.ts'
import { configureInside, innerName, linksInside } from './inner-interface.ts'

export interface BridgePlace {
  /** Interface index of the bridge. */
  bridge: number
  mtu: number
  isolated: boolean
  interfacePrefix: string
}

export function newHostInterfaceName(): string {
  return `veth${randomBytes(4).toString('hex').slice(0, 7)}`
}

/**
 * Gives the namespace of `pid` its interface: three datagrams in all, one of them to look up an index. Each request waits for the
 * kernel's one lock of all networks, which others hold for milliseconds, so nothing is asked that is known: only when a name is taken
 * already it is looked which are. On a failure the pair is removed again.
 * @returns the name inside
 */
export function plugIn({ home, socket }: Pick<HostLinks, 'home' | 'socket'>, place: BridgePlace, options: { endpoint: Endpoint; pid: number; way: WayOut }): string {
  const { endpoint, pid, way } = options
  return home.visit(pid, (inside, namespaceFd) => {
    const make = (name: string): string => {
      socket.batch([
        createVeth({ name: endpoint.hostInterface, master: place.bridge, mtu: place.mtu, peer: { name, mac: endpoint.mac, namespaceFd } }),
        configureBridgePort({ name: endpoint.hostInterface, isolated: place.isolated }),
        ...setUp({ index: 0, name: endpoint.hostInterface }, { ipv6: false }),
      ])
      return name
    }
    try {
      const name = firstOf(() => make(endpoint.containerInterface), () => {
        // Of an earlier attach that did not end.
        socket.batch([deleteLink(endpoint.hostInterface)])
        return make(innerName(endpoint, linksInside(inside).links, place.interfacePrefix))
      })
      configureInside(inside, endpoint, { name, lo: undefined, way })
      return name
    } catch (error) {
      socket.batch([deleteLink(endpoint.hostInterface)])
      throw error
    }
  })
}

/** The second where a name is taken, on the host or inside. */
function firstOf<T>(first: () => T, second: () => T): T {
  try {
    return first()
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== 'EEXIST') throw error
    return second()
  }
}

/** Fine when it is gone, with its namespace. */
export function unplug(socket: NetlinkSocket, hostInterface: string): void {
  if (hostInterface !== '') socket.batch([deleteLink(hostInterface)])
}

export function isPluggedIn(socket: NetlinkSocket, hostInterface: string): boolean {
  return findLink(socket, hostInterface) !== undefined
}
