import { readFileSync } from 'node:fs'
import { formatAddress } from '../../lib/ip-address.ts'
import type { WayStep } from './way.ts'

/** Routes of the main table, here or in the network namespace of a process, as ip-route(8) writes them; the default ones first. */
export function routesOf(family: 4 | 6, pid?: number): WayStep[] {
  const read = (file: string): string[] => {
    try {
      return readFileSync(`/proc/${pid ?? 'thread-self'}/net/${file}`, 'utf8').trim().split('\n')
    } catch {
      return []
    }
  }
  const texts = family === 4 ? read('route').slice(1).map(route4) : read('ipv6_route').flatMap(route6)
  const where = pid === undefined ? 'route of the host' : 'route in the container'
  return texts.toSorted((one, other) => Number(other.startsWith('default')) - Number(one.startsWith('default'))).map((text) => ({ at: 'route', name: where, text }))
}

/** /proc/net/route: hexadecimal, each address as one little-endian number. */
function route4(line: string): string {
  const [device = '', destination = '', gateway = '', , , , , mask = ''] = line.split('\t').map((word) => word.trim())
  const length = [...Buffer.from(mask, 'hex')].reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0)
  const target = Number.parseInt(mask, 16) === 0 ? 'default' : `${address4(destination)}/${length}`
  return `${target}${Number.parseInt(gateway, 16) === 0 ? '' : ` via ${address4(gateway)}`} dev ${device}`
}

function address4(hex: string): string {
  return [...Buffer.from(hex, 'hex')].toReversed().join('.')
}

/** /proc/net/ipv6_route; what is local or multicast leads nowhere. */
function route6(line: string): string[] {
  const [destination = '', prefix = '', , , gateway = '', , , , , device = ''] = line.trim().split(/\s+/)
  const length = Number.parseInt(prefix, 16)
  if (device === 'lo' || destination.startsWith('ff') || length === 128) return []
  const target = length === 0 ? 'default' : `${address6(destination)}/${length}`
  return [`${target}${/^0+$/.test(gateway) ? '' : ` via ${address6(gateway)}`} dev ${device}`]
}

function address6(hex: string): string {
  return formatAddress({ family: 6, value: BigInt(`0x${hex}`) })
}
