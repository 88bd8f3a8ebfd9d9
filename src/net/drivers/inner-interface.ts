import { addAddress } from '../../kernel/netlink/address.ts'
import { announce, deleteLink, findLink, listLinks, setUp } from '../../kernel/netlink/link.ts'
import type { Link } from '../../kernel/netlink/link.ts'
import type { HomeNamespace } from '../../kernel/netlink/namespace.ts'
import { removeDefaultRoute, setDefaultRoute } from '../../kernel/netlink/route.ts'
import type { NetlinkSocket, Request } from '../../kernel/netlink/socket.ts'
import { GantryError } from '../../lib/errors.ts'
import { isIPv6Text } from '../../lib/ip-address.ts'
import type { Endpoint } from '../contract.ts'
import { broadcastOf, parseCidr } from '../ip-prefix.ts'
import type { WayOut } from './contract.ts'

/** The name that an endpoint gets inside: the one asked for, or the first free one with the network's prefix. */
export function innerName(endpoint: Pick<Endpoint, 'containerInterface'>, links: readonly Link[], prefix: string): string {
  const taken = (name: string): boolean => links.some((link) => link.name === name)
  const { containerInterface: wanted } = endpoint
  if (wanted !== '' && !taken(wanted)) return wanted
  if (wanted !== '' && !wanted.startsWith(prefix)) throw new GantryError('Forbidden', `cannot name an interface ${wanted}: there is one already`)
  for (let number = 0; ; number++) if (!taken(`${prefix}${number}`)) return `${prefix}${number}`
}

/** Addresses, up, and the default routes that go this way; `lo` up as well. */
export function configureInside(inside: NetlinkSocket, endpoint: Endpoint, options: { name: string; lo: Link | undefined; way: WayOut }): void {
  const { name, lo, way } = options
  const index = findLink(inside, name)?.index
  if (index === undefined) throw new Error(`cannot find ${name} in the namespace of container ${endpoint.containerId}`)
  const { ipv4, prefix, ipv6, prefix6, linkLocal = [] } = endpoint
  inside.batch([
    ...setUp({ index: lo?.index ?? 1 }),
    ...(ipv4 === '' ? [] : [announce(index), addAddress({ index, address: ipv4, prefix, broadcast: broadcastOf(parseCidr(`${ipv4}/${prefix}`).prefix) })]),
    ...setUp({ index }, { ipv6: ipv6 !== '' }),
    ...(ipv6 === '' ? [] : [addAddress({ index, address: ipv6, prefix: prefix6 })]),
    ...linkLocal.map((address) => addAddress({ index, address, prefix: isIPv6Text(address) ? 64 : 16 })),
    ...defaultRoutes(endpoint, index, way),
  ])
}

/**
 * Makes an attached endpoint the way out. Fine when the container has ended meanwhile. `afresh`: somebody else may have added a
 * default route behind or before ours, and the kernel replaces only the first one.
 */
export function routeBy(home: HomeNamespace, endpoint: Endpoint, options: { pid: number; way: WayOut; afresh?: boolean }): void {
  try {
    home.visit(options.pid, (inside) => {
      const index = findLink(inside, endpoint.containerInterface)?.index
      if (index === undefined) return
      const { way, afresh = false } = options
      const old = afresh ? [...(way.ipv4 ? [removeDefaultRoute(4)] : []), ...(way.ipv6 ? [removeDefaultRoute(6)] : [])] : []
      inside.batch([...old, ...defaultRoutes(endpoint, index, way)])
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Fine when it is gone. */
export function deleteInside(home: HomeNamespace, name: string, pid: number): void {
  home.visit(pid, (inside) => inside.batch([deleteLink(name)]))
}

/** Loopback up, nothing else. */
export function bringUpLoopback(home: HomeNamespace, pid: number): void {
  home.visit(pid, (inside) => inside.batch(setUp({ index: 0, name: 'lo' })))
}

export function linksInside(inside: NetlinkSocket): { links: Link[]; lo: Link | undefined } {
  const links = listLinks(inside)
  return { links, lo: links.find(({ name }) => name === 'lo') }
}

function defaultRoutes(endpoint: Endpoint, index: number, way: WayOut): Request[] {
  return [
    ...(way.ipv4 ? [setDefaultRoute({ family: 4, gateway: endpoint.gateway, index })] : []),
    ...(way.ipv6 ? [setDefaultRoute({ family: 6, gateway: endpoint.gateway6, index })] : []),
  ]
}
