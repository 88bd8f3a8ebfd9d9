import { addressBytes } from '../../lib/ip-address.ts'
import type { MapElement } from '../../kernel/nftables.ts'
import { isAnyAddress } from '../port-holder.ts'
import type { PortRule } from '../port-holder.ts'

type PublishedName = 'published' | 'published_at' | 'range' | 'range_at'
/** `open_x` has the keys of map x: kernels before 6.5 do not look a map up as a set. */
export type MapName = PublishedName | `open_${PublishedName}` | 'routed' | 'routed_range'

/** ADDR stands for the family's type of address. */
export const mapTypes: Record<MapName, { kind: 'map' | 'set'; key: string; data: string; interval: boolean }> = {
  published: { kind: 'map', key: 'inet_proto . inet_service', data: 'ADDR . inet_service', interval: false },
  published_at: { kind: 'map', key: 'ADDR . inet_proto . inet_service', data: 'ADDR . inet_service', interval: false },
  range: { kind: 'map', key: 'inet_proto . inet_service', data: 'ADDR', interval: true },
  range_at: { kind: 'map', key: 'ADDR . inet_proto . inet_service', data: 'ADDR', interval: true },
  open_published: { kind: 'set', key: 'inet_proto . inet_service', data: '', interval: false },
  open_published_at: { kind: 'set', key: 'ADDR . inet_proto . inet_service', data: '', interval: false },
  open_range: { kind: 'set', key: 'inet_proto . inet_service', data: '', interval: true },
  open_range_at: { kind: 'set', key: 'ADDR . inet_proto . inet_service', data: '', interval: true },
  routed: { kind: 'set', key: 'ADDR . inet_proto . inet_service', data: '', interval: false },
  routed_range: { kind: 'set', key: 'ADDR . inet_proto . inet_service', data: '', interval: true },
}

const protocols = { tcp: 6, udp: 17, sctp: 132 } as const

/** Where a rule belongs; undefined: to the proxy alone, for it goes from one family to the other. */
export function mapOf(rule: PortRule): MapName | undefined {
  const isRange = (rule.count ?? 1) > 1 && !isShifted(rule)
  if (rule.routed) return isRange ? 'routed_range' : 'routed'
  if (rule.hostIp.includes(':') !== rule.containerIp.includes(':')) return undefined
  if (isAnyAddress(rule.hostIp)) return isRange ? 'range' : 'published'
  return isRange ? 'range_at' : 'published_at'
}

/** Whether a rule has an element there. */
export function isIn(rule: PortRule, name: MapName): boolean {
  const own = mapOf(rule)
  return own !== undefined && (own === name || `open_${own}` === name)
}

/** The kernel can add no offset to an interval of ports: a range that changes its numbers is an element for each. */
export function separate(rule: PortRule): PortRule[] {
  if (rule.count === undefined || !isShifted(rule)) return [rule]
  const { count, ...single } = rule
  return Array.from({ length: count }, (_, at) => ({ ...single, hostPort: rule.hostPort + at, containerPort: rule.containerPort + at }))
}

function isShifted({ hostPort, containerPort, routed }: PortRule): boolean {
  return routed !== true && hostPort !== containerPort
}

/** As in nft's language. */
export function elementText(rule: PortRule, name: MapName): string {
  const { protocol, hostIp, hostPort, containerIp, containerPort, count = 1 } = rule
  if (name.startsWith('routed')) return `${containerIp} . ${protocol} . ${portsText(containerPort, count)}`
  const key = `${protocol} . ${portsText(hostPort, count)}`
  const data = mapTypes[name].interval ? containerIp : `${containerIp} . ${containerPort}`
  const whole = `${name.endsWith('_at') ? `${hostIp} . ` : ''}${key}`
  return mapTypes[name].kind === 'set' ? whole : `${whole} : ${data}`
}

function portsText(first: number, count: number): string {
  return count > 1 ? `${first}-${first + count - 1}` : String(first)
}

/** As over nfnetlink. */
export function elementOf(rule: PortRule, name: MapName): MapElement {
  const count = rule.count ?? 1
  const first = rule.routed ? rule.containerPort : rule.hostPort
  const addressed = name.startsWith('routed') ? rule.containerIp : name.endsWith('_at') ? rule.hostIp : undefined
  const key = (port: number): Buffer => concatenated([...(addressed === undefined ? [] : [addressBytes(addressed)]), Buffer.of(protocols[rule.protocol]), portBytes(port)])
  return {
    key: key(first),
    ...(mapTypes[name].interval ? { keyEnd: key(first + count - 1) } : {}),
    ...(mapTypes[name].kind === 'set' ? {} : { data: concatenated([addressBytes(rule.containerIp), ...(mapTypes[name].interval ? [] : [portBytes(rule.containerPort)])]) }),
  }
}

function portBytes(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff)
}

/** Each field takes a multiple of 4 bytes, its value at the beginning, in network order. */
function concatenated(fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields.map((field) => Buffer.concat([field, Buffer.alloc((4 - (field.length % 4)) % 4)])))
}
