import { isIP, isIPv6 } from 'node:net'
import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import { rangeKey } from '../lib/port-table.ts'
import type { PortRule } from './port-holder.ts'

/** What is published, and how. */
export interface PortTarget {
  /** Empty: none. */
  ipv4: string
  ipv6: string
  /** Nothing is translated for this family. */
  routed4: boolean
  routed6: boolean
  /** Where ports without an address go; empty: everywhere. */
  bindingAddress: string
  /** Families of the host's side: false leaves them to another endpoint. */
  host4: boolean
  host6: boolean
  /** Somebody carries the host's IPv6 to an IPv4 address. */
  carriesIPv6: boolean
}

/** One row of -p, its host port still to be chosen. */
export interface PortRow {
  /** "80/tcp", the key in inspect; "8000-8999/tcp" of a range (src/lib/port-table.ts). */
  key: string
  protocol: PortRule['protocol']
  /** Of a range the first one. */
  containerPort: number
  /** A range of so many ports, and as many of the host from the candidate on. */
  count?: number
  /** Addresses on which the same host port is to be had, each with the container's address behind it. */
  places: { hostIp: string; containerIp: string; routed: boolean }[]
  /** First and last candidate; undefined: any ephemeral port. */
  candidates: { first: number; last: number } | undefined
}

/** @throws InvalidParameter */
export function portRows(bindings: Record<string, PortBinding[]>, target: PortTarget): PortRow[] {
  return Object.entries(bindings).flatMap(([key, list]) => {
    const { containerPort, count, protocol } = parseKey(key)
    // An empty list publishes nothing; null entries come from clients that mean "any".
    return (list ?? []).map((binding) => ({
      key: rangeKey(containerPort, count, protocol),
      protocol,
      containerPort,
      ...(count === 1 ? {} : { count }),
      places: placesOf(binding.HostIp || target.bindingAddress, target).filter(({ hostIp, containerIp }) => isCarried(protocol, hostIp, containerIp)),
      candidates: count === 1 ? parsePorts(binding.HostPort ?? '') : rangeStart(binding.HostPort ?? '', count),
    }))
  })
}

function parseKey(key: string): { containerPort: number; count: number; protocol: PortRule['protocol'] } {
  const [ports = '', protocol = 'tcp'] = key.split('/')
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') throw new GantryError('InvalidParameter', `invalid proto: ${protocol}`)
  const { first, last } = parseRange(ports)
  return { containerPort: first, count: last - first + 1, protocol }
}

/** The proxy knows no SCTP: what NAT cannot carry is not there. */
function isCarried(protocol: PortRule['protocol'], hostIp: string, containerIp: string): boolean {
  return protocol !== 'sctp' || isIPv6(hostIp) === isIPv6(containerIp)
}

/** Docker publishes an unnamed address on 0.0.0.0 and, where there is somebody to carry IPv6, on [::]. */
function placesOf(asked: string, target: PortTarget): PortRow['places'] {
  const address = asked.replace(/^\[(.*)\]$/, '$1')
  if (address !== '' && isIP(address) === 0) throw new GantryError('InvalidParameter', `invalid IP address: ${asked}`)
  const behind6 = target.ipv6 || (target.carriesIPv6 ? target.ipv4 : '')
  if (address !== '' && isIPv6(address) && behind6 === '' && target.host6 && target.ipv4 !== '') {
    throw new GantryError('InvalidParameter', `cannot publish on ${asked}: IPv6 of the host needs the userland proxy`)
  }
  const v4 = target.host4 && target.ipv4 !== '' && (address === '' || !isIPv6(address))
  const v6 = target.host6 && behind6 !== '' && (address === '' || isIPv6(address))
  return [
    ...(v4 ? [{ hostIp: address || '0.0.0.0', containerIp: target.ipv4, routed: target.routed4 }] : []),
    ...(v6 ? [{ hostIp: address || '::', containerIp: behind6, routed: target.routed6 && target.ipv6 !== '' }] : []),
  ]
}

function parsePorts(text: string): PortRow['candidates'] {
  return text === '' || text === '0' ? undefined : parseRange(text)
}

/** A range has no choice: its ports go along with the host's. */
function rangeStart(text: string, count: number): PortRow['candidates'] {
  const { first, last } = parseRange(text)
  if (last - first + 1 !== count) throw new GantryError('InvalidParameter', `invalid ranges specified for container and host ports: ${text} is not of ${count} ports`)
  return { first, last: first }
}

function parseRange(text: string): { first: number; last: number } {
  const [firstText = '', lastText = firstText] = text.split('-')
  const first = parsePort(firstText)
  const last = parsePort(lastText)
  if (last < first) throw new GantryError('InvalidParameter', `invalid range specified for port: ${text}`)
  return { first, last }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new GantryError('InvalidParameter', `invalid port: '${text}'`)
  return port
}
