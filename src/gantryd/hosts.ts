import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { GantryError } from '../lib/errors.ts'

/** Where the API listens. */
export type Host = { kind: 'unix'; path: string } | { kind: 'tcp'; address: string; port: number }

const defaultPort = 2375

/**
 * "unix:///run/x.sock" or "tcp://127.0.0.1:2375". Plain TCP is root for everybody who can reach it, hence loopback only,
 * unless `allowPlainTcp` says that the reader knows that.
 * @throws InvalidParameter, Forbidden, NotImplemented
 */
export function parseHost(text: string, allowPlainTcp: boolean): Host {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? []
  if (scheme === 'fd') throw new GantryError('NotImplemented', `not implemented yet: --host ${text} (socket activation)`)
  if (scheme === 'unix') {
    if (rest === '') throw invalid(text, 'it has no path')
    return { kind: 'unix', path: resolve(rest) }
  }
  if (scheme !== 'tcp') throw invalid(text, 'unix:// or tcp:// is needed')
  const host = parseTcp(text, rest)
  if (!allowPlainTcp && !isLoopback(host.address)) {
    throw new GantryError(
      'Forbidden',
      `cannot listen on ${text}: plain TCP gives root on this host to everybody who can reach it; use a unix socket or a loopback address, or say --allow-plain-tcp`,
    )
  }
  return host
}

export function hostText(host: Host): string {
  if (host.kind === 'unix') return host.path
  return isIP(host.address) === 6 ? `[${host.address}]:${host.port}` : `${host.address}:${host.port}`
}

function parseTcp(text: string, rest: string): Extract<Host, { kind: 'tcp' }> {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(\d{1,5}))?\/?$/.exec(rest)
  if (match === null) throw invalid(text, 'an address and a port are needed')
  const address = (match[1] ?? '').replaceAll(/[[\]]/g, '') || '127.0.0.1'
  const port = Number(match[2] ?? defaultPort)
  if (port > 65_535) throw invalid(text, 'the port is above 65535')
  if (address !== 'localhost' && isIP(address) === 0) throw invalid(text, 'the address must be an IP address or localhost')
  return { kind: 'tcp', address, port }
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

function invalid(text: string, reason: string): GantryError {
  return new GantryError('InvalidParameter', `invalid bind address (${text}): ${reason}`)
}
