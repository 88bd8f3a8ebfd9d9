import { randomBytes } from 'node:crypto'
import { addAddress, addDefaultRoute } from '../kernel/netlink/address.ts'
import { createVeth, deleteLink, findLink, listLinks, setHairpin, setUp } from '../kernel/netlink/link.ts'
import type { Link } from '../kernel/netlink/link.ts'
import type { HomeNamespace } from '../kernel/netlink/namespace.ts'
import type { NetlinkSocket } from '../kernel/netlink/socket.ts'
import type { Endpoint } from './contract.ts'
import { formatIPv4, parseIPv4 } from './ipv4.ts'

const pattern = /^veth[0-9a-f]{7}$/

export function newHostInterfaceName(): string {
  return `veth${randomBytes(4).toString('hex').slice(0, 7)}`
}

/**
 * Gives the namespace of `pid` its interface: three datagrams in all, one of them to look up an index. On a failure the
 * pair is removed again.
 */
export function plugIn(at: { home: HomeNamespace; host: NetlinkSocket; bridge: number; mtu: number }, endpoint: Endpoint, pid: number): void {
  at.home.visit(pid, (inside, namespaceFd) => {
    const links = listLinks(inside)
    const lo = links.find(({ name }) => name === 'lo')
    const name = freeName(links)
    try {
      at.host.batch([
        createVeth({ name: endpoint.hostInterface, master: at.bridge, mtu: at.mtu, peer: { name, mac: endpoint.mac, namespaceFd } }),
        setHairpin({ name: endpoint.hostInterface }),
        ...setUp({ index: 0, name: endpoint.hostInterface }, { ipv6: false }),
      ])
      const index = findLink(inside, name)?.index
      if (index === undefined) throw new Error(`cannot find ${name} in the namespace of process ${pid}`)
      const broadcast = formatIPv4(parseIPv4(endpoint.ipv4) | (2 ** (32 - endpoint.prefix) - 1))
      inside.batch([
        ...setUp({ index: lo?.index ?? 1 }),
        addAddress({ index, address: endpoint.ipv4, prefix: endpoint.prefix, broadcast }),
        ...setUp({ index }, { ipv6: false }),
        ...(links.some(({ name }) => name.startsWith('eth')) ? [] : [addDefaultRoute({ gateway: endpoint.gateway, index })]),
      ])
    } catch (error) {
      at.host.batch([deleteLink(endpoint.hostInterface)])
      throw error
    }
  })
}

/** Fine when it is gone, with its namespace. */
export function unplug(host: NetlinkSocket, hostInterface: string): void {
  if (hostInterface !== '') host.batch([deleteLink(hostInterface)])
}

export function isPluggedIn(host: NetlinkSocket, hostInterface: string): boolean {
  return findLink(host, hostInterface) !== undefined
}

/** Loopback up, nothing else. */
export function bringUpLoopback(home: HomeNamespace, pid: number): void {
  home.visit(pid, (inside) => inside.batch(setUp({ index: 0, name: 'lo' })))
}

/** Removes the ports of our bridge that nobody owns: of a life that ended between two steps. */
export function sweepBridge(host: NetlinkSocket, bridge: number, owned: ReadonlySet<string>): string[] {
  const strays = listLinks(host).filter(({ name, master }) => master === bridge && pattern.test(name) && !owned.has(name))
  if (strays.length > 0) host.batch(strays.map(({ name }) => deleteLink(name)))
  return strays.map(({ name }) => name)
}

function freeName(links: readonly Link[]): string {
  for (let number = 0; ; number++) {
    if (!links.some(({ name }) => name === `eth${number}`)) return `eth${number}`
  }
}
