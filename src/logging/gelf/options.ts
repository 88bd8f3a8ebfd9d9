import { attributeOptions } from '../attributes.ts'
import type { LogOptions } from '../contract.ts'
import { invalid, refuseUnknown } from '../option-values.ts'
import { isTransport, parseAddress, type Address } from '../wire/address.ts'

const known = new Set([...attributeOptions, 'gelf-address', 'gelf-compression-level', 'gelf-compression-type', 'gelf-tcp-max-reconnect', 'gelf-tcp-reconnect-delay'])

export interface GelfOptions {
  address: Address
  compression: 'gzip' | 'zlib' | 'none'
  level: number
  /** Seconds. */
  reconnectDelay: number
  /** How often the same lines are tried before they are given up; for ever unless it is given. */
  maxReconnect: number
}

/** @throws InvalidParameter in Docker's words */
export function gelfOptions(options: LogOptions): GelfOptions {
  const address = gelfAddress(options['gelf-address'] ?? '')
  refuseUnknown(options, known, (name) => `unknown log opt ${JSON.stringify(name)} for gelf log driver`)
  const { 'gelf-compression-level': level, 'gelf-compression-type': type = 'gzip' } = options
  for (const name of ['gelf-compression-level', 'gelf-compression-type']) {
    if (options[name] !== undefined && address.scheme !== 'udp') throw invalid('compression is only supported on UDP')
  }
  if (level !== undefined && !/^(-1|\d)$/.test(level)) throw invalid(`unknown value ${JSON.stringify(level)} for log opt "gelf-compression-level" for gelf log driver`)
  if (type !== 'gzip' && type !== 'zlib' && type !== 'none') throw invalid(`unknown value ${JSON.stringify(type)} for log opt "gelf-compression-type" for gelf log driver`)
  const natural = (name: string, absent: number): number => {
    const text = options[name]
    if (text === undefined) return absent
    if (address.scheme !== 'tcp') throw invalid(`${JSON.stringify(name)} is only valid for TCP`)
    if (!/^\d+$/.test(text)) throw invalid(`${JSON.stringify(name)} must be a positive integer`)
    return Number(text)
  }
  return { address, compression: type, level: level === undefined ? 1 : Number(level), maxReconnect: natural('gelf-tcp-max-reconnect', Number.POSITIVE_INFINITY), reconnectDelay: natural('gelf-tcp-reconnect-delay', 1) }
}

function gelfAddress(text: string): Address {
  if (text === '') throw invalid('gelf-address is a required parameter')
  if (!isTransport(text)) throw invalid(`gelf-address should be in form proto://address, got ${text}`)
  const address = parseAddress(text)
  if (address.scheme !== 'udp' && address.scheme !== 'tcp') throw invalid('gelf: endpoint needs to be TCP or UDP')
  if (address.port < 0) throw invalid('gelf: please provide gelf-address as proto://host:port')
  return address
}
