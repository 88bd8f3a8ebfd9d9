import { isIPv4 } from 'node:net'
import { GantryError } from '../lib/errors.ts'

export interface Subnet {
  /** Numbers in host order. */
  network: number
  broadcast: number
  gateway: number
  prefix: number
}

/** @throws InvalidParameter */
export function parseIPv4(text: string): number {
  if (!isIPv4(text)) throw new GantryError('InvalidParameter', `invalid IPv4 address: "${text}"`)
  return text.split('.').reduce((number, byte) => number * 256 + Number(byte), 0)
}

export function formatIPv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** "172.17.0.1/16": the address is the gateway. @throws InvalidParameter */
export function parseSubnet(cidr: string): Subnet {
  const [address = '', prefixText = ''] = cidr.split('/')
  const prefix = Number(prefixText)
  if (!/^\d{1,2}$/.test(prefixText) || prefix < 1 || prefix > 30) {
    throw new GantryError('InvalidParameter', `invalid subnet "${cidr}": the prefix must be between 1 and 30`)
  }
  const gateway = parseIPv4(address)
  const size = 2 ** (32 - prefix)
  const network = gateway - (gateway % size)
  if (gateway === network || gateway === network + size - 1) {
    throw new GantryError('InvalidParameter', `invalid subnet "${cidr}": the address must be one of a host`)
  }
  return { network, broadcast: network + size - 1, gateway, prefix }
}

/** "172.17.0.0/16" */
export function formatSubnet({ network, prefix }: Subnet): string {
  return `${formatIPv4(network)}/${prefix}`
}
