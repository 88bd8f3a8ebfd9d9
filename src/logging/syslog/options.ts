import { statSync } from 'node:fs'
import { attributeOptions } from '../attributes.ts'
import type { LogOptions } from '../contract.ts'
import { invalid, refuseUnknown } from '../option-values.ts'
import { isTransport, parseAddress, type Address } from '../wire/address.ts'

const known = new Set([
  ...attributeOptions, 'syslog-address', 'syslog-facility', 'syslog-format', 'syslog-tls-ca-cert', 'syslog-tls-cert', 'syslog-tls-key', 'syslog-tls-skip-verify',
])

/** By number: RFC 5424 section 6.2.1. */
const facilities = [
  'kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', '', '', '', '',
  'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7',
]

export type SyslogFormat = '' | 'rfc3164' | 'rfc5424' | 'rfc5424micro'

/** @throws InvalidParameter */
export function checkSyslog(options: LogOptions): void {
  refuseUnknown(options, known, (name) => `unknown log opt '${name}' for syslog log driver`)
  syslogAddress(options)
  facility(options)
  syslogFormat(options)
}

/** Undefined: the socket of the host's own. */
export function syslogAddress({ 'syslog-address': text = '' }: LogOptions): Address | undefined {
  if (text === '') return undefined
  if (!isTransport(text)) throw invalid(`syslog-address should be in form proto://address, got ${text}`)
  const address = parseAddress(text)
  if (address.path !== '') {
    try {
      statSync(address.path)
    } catch {
      throw invalid(`stat ${address.path}: no such file or directory`)
    }
  }
  return address.port < 0 ? { ...address, port: 514 } : address
}

export function facility({ 'syslog-facility': text = '' }: LogOptions): number {
  if (text === '') return facilities.indexOf('daemon')
  const number = /^\d+$/.test(text) ? Number(text) : facilities.indexOf(text)
  if (number < 0 || number > 23) throw invalid('invalid syslog facility')
  return number
}

export function syslogFormat({ 'syslog-format': text = '' }: LogOptions): SyslogFormat {
  if (text === '' || text === 'rfc3164' || text === 'rfc5424' || text === 'rfc5424micro') return text
  throw invalid('Invalid syslog format')
}
