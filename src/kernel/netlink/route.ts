import { addressBytes, isIPv6Text } from '../../lib/ip-address.ts'
import { family, flag, rta, rtm } from './constants.ts'
import { attribute, u32 } from './message.ts'
import type { Request } from './socket.ts'

const tableMain = 254
const protocolBoot = 3
const unicast = 1
const scopeUniverse = 0
const scopeLink = 253
const NLM_F_REPLACE = 0x100
const ESRCH = 3
const EEXIST = 17

export interface DefaultRoute {
  family: 4 | 6
  /** Empty: everything is on the link. */
  gateway: string
  index: number
}

/** The default route, in place of the one there may be. */
export function setDefaultRoute(route: DefaultRoute): Request {
  const via = route.gateway === '' ? [] : [attribute(rta.gateway, addressBytes(route.gateway))]
  return {
    act: `cannot add default route via ${route.gateway || `link ${route.index}`}`,
    message: {
      type: rtm.newRoute,
      flags: flag.request | flag.ack | flag.create | NLM_F_REPLACE,
      parts: [header(route.family, route.gateway === '' && route.family === 4 ? scopeLink : scopeUniverse), attribute(rta.oif, u32(route.index)), ...via],
    },
  }
}

/** To a subnet, "10.1.0.0/16"; without a next hop everything there is on the link. Fine when there is one already. */
export function addRoute({ destination, nextHop, index }: { destination: string; nextHop: string; index: number }): Request {
  const [address = '', length = ''] = destination.split('/')
  const of = isIPv6Text(address) ? 6 : 4
  const parts = header(of, nextHop === '' && of === 4 ? scopeLink : scopeUniverse)
  parts[1] = Number(length)
  return {
    act: `cannot add route to ${destination}`,
    ignore: [EEXIST],
    message: {
      type: rtm.newRoute,
      flags: flag.request | flag.ack | flag.create | flag.exclusive,
      parts: [parts, attribute(rta.destination, addressBytes(address)), attribute(rta.oif, u32(index)), ...(nextHop === '' ? [] : [attribute(rta.gateway, addressBytes(nextHop))])],
    },
  }
}

/** Fine when there is none. */
export function removeDefaultRoute(of: 4 | 6): Request {
  return {
    act: 'cannot remove default route',
    ignore: [ESRCH],
    message: { type: rtm.delRoute, flags: flag.request | flag.ack, parts: [header(of, scopeUniverse)] },
  }
}

/** struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags */
function header(of: 4 | 6, scope: number): Buffer {
  return Buffer.from([of === 4 ? family.inet : family.inet6, 0, 0, 0, tableMain, protocolBoot, scope, unicast, 0, 0, 0, 0])
}
