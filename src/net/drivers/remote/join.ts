import { addRoute } from '../../../kernel/netlink/route.ts'
import { findLink, setHardwareAddress } from '../../../kernel/netlink/link.ts'
import { moveLink } from '../../../kernel/netlink/move-link.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { Endpoint } from '../../contract.ts'
import { textOf } from '../../plugins/answer.ts'
import type { WayOut } from '../contract.ts'
import type { HostLinks } from '../host-links.ts'
import { configureInside, linksInside } from '../inner-interface.ts'

/** What a plugin answers to Join (moby libnetwork/docs/remote.md). */
export interface Joined {
  /** Of the host's interface that becomes the container's; empty: there is none. */
  source: string
  /** Its name inside, or that with a number behind it. */
  name: string
  prefix: string
  gateway: string
  gateway6: string
  routes: { destination: string; nextHop: string }[]
}

export function parseJoined(answer: Record<string, unknown>): Joined {
  const link = (answer['InterfaceName'] ?? {}) as Record<string, unknown>
  const routes = Array.isArray(answer['StaticRoutes']) ? (answer['StaticRoutes'] as Record<string, unknown>[]) : []
  return {
    source: textOf(link['SrcName']), name: textOf(link['DstName']), prefix: textOf(link['DstPrefix']) || 'eth',
    gateway: textOf(answer['Gateway']).split('/')[0] ?? '', gateway6: textOf(answer['GatewayIPv6']).split('/')[0] ?? '',
    routes: routes.map((route) => ({ destination: textOf(route['Destination']), nextHop: Number(route['RouteType']) === 0 ? textOf(route['NextHop']) : '' })),
  }
}

/** Takes the plugin's interface into the namespace and makes it the endpoint's. */
export function takeIn(links: HostLinks, joined: Joined, { endpoint, pid, way }: { endpoint: Endpoint; pid: number; way: WayOut }): { name: string; mac: string } {
  const source = findLink(links.socket, joined.source)
  if (source === undefined) throw new GantryError('Unavailable', `the plugin names the interface ${joined.source}, which is not there`)
  return links.home.visit(pid, (inside, namespaceFd) => {
    const { links: there, lo } = linksInside(inside)
    const name = nameOf(joined, there.map((link) => link.name))
    links.socket.batch([moveLink({ index: source.index, name, namespaceFd })])
    const index = findLink(inside, name)?.index ?? 0
    if (endpoint.mac !== '') inside.batch([setHardwareAddress(index, endpoint.mac)])
    configureInside(inside, endpoint, { name, lo, way })
    inside.batch(joined.routes.map((route) => addRoute({ ...route, index })))
    return { name, mac: endpoint.mac || source.mac }
  })
}

/** Gives the interface back under its name on the host; the plugin removes it. Fine when it went with its namespace. */
export function giveBack(links: HostLinks, { inner, source }: { inner: string; source: string }, sandbox: string): void {
  if (source === '' || inner === '') return
  links.home.visitFile(sandbox, (inside) => {
    const index = findLink(inside, inner)?.index
    if (index !== undefined) inside.batch([moveLink({ index, name: source, namespaceFd: links.home.descriptor })])
  })
}

function nameOf({ name, prefix }: Joined, taken: readonly string[]): string {
  if (name !== '' && !taken.includes(name)) return name
  for (let number = 0; ; number++) if (!taken.includes(`${prefix}${number}`)) return `${prefix}${number}`
}
