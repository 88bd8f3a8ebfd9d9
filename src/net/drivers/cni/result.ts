import { isIP } from 'node:net'
import { isIPv6Text } from '../../../lib/ip-address.ts'
import { textOf } from '../../plugins/answer.ts'
import type { Attachment } from '../contract.ts'
import { isObject } from './configuration.ts'

/** What a plugin answers to ADD, in any version of the specification since 0.1.0. */
export type CniResult = Record<string, unknown>

interface Place {
  /** "10.1.2.3/24" */
  address: string
  gateway: string
}

/** What a chain has made of a container's interface. Gateways only where they are the way out. */
export function attachmentOf(result: CniResult, interfaceName: string): Attachment {
  const places = placesOf(result, interfaceName)
  const routes = routesOf(result)
  const family = (isV6: boolean): { address: string; prefix: number; gateway: string } => {
    const place = places.find(({ address }) => isIPv6Text(address) === isV6)
    if (place === undefined) return { address: '', prefix: 0, gateway: '' }
    const [address = '', length] = place.address.split('/')
    const out = routes.find(({ destination }) => destination === (isV6 ? '::/0' : '0.0.0.0/0'))
    return { address, prefix: Number(length), gateway: out === undefined ? '' : out.gateway || place.gateway }
  }
  const [v4, v6] = [family(false), family(true)]
  const mac = macOf(result, interfaceName)
  return {
    containerInterface: interfaceName, ipv4: v4.address, prefix: v4.prefix, gateway: v4.gateway, ipv6: v6.address, prefix6: v6.prefix, gateway6: v6.gateway,
    ...(mac === '' ? {} : { mac }), ...dnsOf(result),
  }
}

/** "domain" is where names without a dot are looked for; "search" says it for several. */
function dnsOf(result: CniResult): Pick<Attachment, 'dns'> {
  const dns = isObject(result['dns']) ? result['dns'] : {}
  const [servers, search, options] = ['nameservers', 'search', 'options'].map((name) => textsOf(dns[name]))
  const domain = textOf(dns['domain'])
  const found = { servers: (servers ?? []).filter((one) => isIP(one) > 0), search: search?.length || domain === '' ? (search ?? []) : [domain], options: options ?? [] }
  return Object.values(found).some((list) => list.length > 0) ? { dns: found } : {}
}

/** Words alone: each is one of a line. */
function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && /^\S+$/.test(one)) : []
}

/** Since 0.3.0 a list, of which some may be for other interfaces; before that one for each family. */
function placesOf(result: CniResult, interfaceName: string): Place[] {
  const before = [result['ip4'], result['ip6']].filter(isObject).map((one) => ({ address: textOf(one['ip']), gateway: textOf(one['gateway']) }))
  const interfaces = listOf(result['interfaces'])
  const own = listOf(result['ips']).filter((one) => {
    const at = one['interface']
    const link = typeof at === 'number' ? interfaces[at] : undefined
    return link === undefined || (textOf(link['name']) === interfaceName && textOf(link['sandbox']) !== '')
  })
  return [...before, ...own.map((one) => ({ address: textOf(one['address']), gateway: textOf(one['gateway']) }))]
}

function routesOf(result: CniResult): { destination: string; gateway: string }[] {
  const before = [result['ip4'], result['ip6']].filter(isObject).flatMap((one) => listOf(one['routes']))
  return [...before, ...listOf(result['routes'])].map((route) => ({ destination: textOf(route['dst']), gateway: textOf(route['gw']) }))
}

function macOf(result: CniResult, interfaceName: string): string {
  const link = listOf(result['interfaces']).find((one) => textOf(one['name']) === interfaceName && textOf(one['sandbox']) !== '')
  return link === undefined ? '' : textOf(link['mac'])
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}
