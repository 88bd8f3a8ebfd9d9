import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { GantryError } from '../lib/errors.ts'
import type { TlsConfig } from './tls.ts'

/** Where the API listens. */
export type Host =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; address: string; port: number; tls?: TlsConfig }
  /** A socket that systemd holds: by its name or number, "" for all (sd_listen_fds(3)). */
  | { kind: 'fd'; name: string }

export interface HostRules {
  /** Plain TCP may leave loopback. */
  allowPlainTcp: boolean
  /** Every TCP address gets it. */
  tls?: TlsConfig
}

/**
 * "unix:///run/x.sock" or "tcp://127.0.0.1:2375". Plain TCP is root for everybody who can reach it, hence loopback only,
 * unless `allowPlainTcp` says that the reader knows that. With TLS the port is 2376 unless given.
 * @throws InvalidParameter, Forbidden
 */
export function parseHost(text: string, { allowPlainTcp, tls }: HostRules): Host {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? []
  if (scheme === 'fd') return { kind: 'fd', name: rest.replace(/\/$/, '') }
  if (scheme === 'unix') {
    if (rest === '') throw invalid(text, 'it has no path')
    return { kind: 'unix', path: resolve(rest) }
  }
  if (scheme !== 'tcp') throw invalid(text, 'unix://, tcp:// or fd:// is needed')
  const host = parseTcp(text, { rest, usualPort: tls === undefined ? 2375 : 2376 })
  if (tls !== undefined) return { ...host, tls }
  if (!allowPlainTcp && !isLoopback(host.address)) {
    throw new GantryError(
      'Forbidden',
      `cannot listen on ${text}: plain TCP gives root on this host to everybody who can reach it; use TLS (--tlsverify), a unix socket or a loopback address, or say --allow-plain-tcp`,
    )
  }
  return host
}

export function hostText(host: Host): string {
  if (host.kind === 'unix') return host.path
  if (host.kind === 'fd') return `fd://${host.name}`
  return isIP(host.address) === 6 ? `[${host.address}]:${host.port}` : `${host.address}:${host.port}`
}

function parseTcp(text: string, { rest, usualPort }: { rest: string; usualPort: number }): Extract<Host, { kind: 'tcp' }> {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(\d{1,5}))?\/?$/.exec(rest)
  if (match === null) throw invalid(text, 'an address and a port are needed')
  const address = (match[1] ?? '').replaceAll(/[[\]]/g, '') || '127.0.0.1'
  const port = Number(match[2] ?? usualPort)
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
