import { isIP, isIPv6 } from 'node:net'
import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
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
  /** "80/tcp", the key in inspect. */
  key: string
  protocol: PortRule['protocol']
  containerPort: number
  /** Addresses on which the same host port is to be had, each with the container's address behind it. */
  places: { hostIp: string; containerIp: string; routed: boolean }[]
  /** First and last candidate; undefined: any ephemeral port. */
  candidates: { first: number; last: number } | undefined
}

/** @throws InvalidParameter */
export function portRows(bindings: Record<string, PortBinding[]>, target: PortTarget): PortRow[] {
  return Object.entries(bindings).flatMap(([key, list]) => {
    const { containerPort, protocol } = parseKey(key)
    // An empty list publishes nothing; null entries come from clients that mean "any".
    return (list ?? []).map((binding) => ({
      key: `${containerPort}/${protocol}`,
      protocol,
      containerPort,
      places: placesOf(binding.HostIp || target.bindingAddress, target).filter(({ hostIp, containerIp }) => isCarried(protocol, hostIp, containerIp)),
      candidates: parsePorts(binding.HostPort ?? ''),
    }))
  })
}

function parseKey(key: string): { containerPort: number; protocol: PortRule['protocol'] } {
  const [port = '', protocol = 'tcp'] = key.split('/')
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') throw new GantryError('InvalidParameter', `invalid proto: ${protocol}`)
  return { containerPort: parsePort(port), protocol }
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
  if (text === '' || text === '0') return undefined
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
