import { isIP, isIPv4 } from 'node:net'
import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'

/** One row of -p, its host port still to be chosen. */
export interface PortRow {
  /** "80/tcp", the key in inspect. */
  key: string
  protocol: 'tcp' | 'udp'
  containerPort: number
  /** Addresses on which the same host port is to be had. */
  hostIps: string[]
  /** First and last candidate; undefined: any ephemeral port. */
  candidates: { first: number; last: number } | undefined
}

/** @throws InvalidParameter and NotImplemented (sctp) */
export function portRows(bindings: Record<string, PortBinding[]>, options: { ipv6: boolean }): PortRow[] {
  return Object.entries(bindings).flatMap(([key, list]) => {
    const { containerPort, protocol } = parseKey(key)
    // An empty list publishes nothing; null entries come from clients that mean "any".
    return (list ?? []).map((binding) => ({
      key: `${containerPort}/${protocol}`,
      protocol,
      containerPort,
      hostIps: hostAddresses(binding.HostIp ?? '', options.ipv6),
      candidates: parsePorts(binding.HostPort ?? ''),
    }))
  })
}

function parseKey(key: string): { containerPort: number; protocol: 'tcp' | 'udp' } {
  const [port = '', protocol = 'tcp'] = key.split('/')
  if (protocol === 'sctp') throw new GantryError('NotImplemented', `not implemented yet: publishing SCTP port ${key}`)
  if (protocol !== 'tcp' && protocol !== 'udp') throw new GantryError('InvalidParameter', `invalid proto: ${protocol}`)
  return { containerPort: parsePort(port), protocol }
}

/** Docker publishes an unnamed address on 0.0.0.0 and, where there is somebody to carry IPv6, on [::]. */
function hostAddresses(asked: string, ipv6: boolean): string[] {
  const address = asked.replace(/^\[(.*)\]$/, '$1')
  if (address === '') return ipv6 ? ['0.0.0.0', '::'] : ['0.0.0.0']
  if (isIP(address) === 0) throw new GantryError('InvalidParameter', `invalid IP address: ${asked}`)
  if (!isIPv4(address) && !ipv6) {
    throw new GantryError('InvalidParameter', `cannot publish on ${asked}: IPv6 of the host needs the userland proxy`)
  }
  return [address]
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
