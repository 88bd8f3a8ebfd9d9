import { existsSync } from 'node:fs'
import { ExitError } from '../exit-error.ts'

/** Certificates for an engine that speaks TLS. */
export interface ClientTls {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  /** Whether the engine has to have a certificate that the authority has signed. */
  verify: boolean
}

/** A host whose engine is reached through ssh(1). `path`: its socket there, undefined: the usual one. */
export interface SshTarget {
  user?: string
  host: string
  port?: number
  path?: string
}

/** Where the engine listens. `shown` is what error messages call it. */
export type EngineAddress = { shown: string } & ({ socketPath: string } | { host: string; port: number; tls?: ClientTls } | { ssh: SshTarget })

const dockerSocket = '/var/run/docker.sock'
const gantrySocket = '/run/gantry/gantry.sock'

/** The first usual socket that exists. */
export function usualHost(): string {
  return `unix://${!existsSync(dockerSocket) && existsSync(gantrySocket) ? gantrySocket : dockerSocket}`
}

/** "unix:///path", "tcp://host:port", "ssh://user@host:port/path", or "host:port". */
export function parseAddress(text: string, tls?: ClientTls): EngineAddress {
  const match = /^([a-z]+):\/\/(.*)$/.exec(text)
  const [scheme, rest] = match ? [match[1], match[2]!] : ['tcp', text]
  if (scheme === 'unix') return { shown: `unix://${rest || dockerSocket}`, socketPath: rest || dockerSocket }
  if (scheme === 'ssh') return { shown: text, ssh: parseSsh(text) }
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https') throw new ExitError(`unable to parse docker host \`${text}\``)
  const address = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest)
  if (!address) throw new ExitError(`unable to parse docker host \`${text}\``)
  const host = address[1]!.replace(/^\[|\]$/g, '') || '127.0.0.1'
  return { shown: `tcp://${rest}`, host, port: Number(address[2] ?? (tls ? 2376 : 2375)), ...(tls ? { tls } : {}) }
}

/** What begins with "-" would be an option of ssh. */
function parseSsh(text: string): SshTarget {
  const [, user, host = '', port, path = ''] = /^ssh:\/\/(?:([^@/:]+)@)?(\[[^\]]+\]|[^:/@?#]+)(?::(\d+))?(\/[^?#]*)?$/.exec(text) ?? []
  if (host === '' || host.startsWith('-') || user?.startsWith('-')) throw new ExitError(`invalid ssh URL: ${text}: ssh://[user@]host[:port][/path/of/socket] is needed`)
  return { host: host.replace(/^\[|\]$/g, ''), ...(user ? { user } : {}), ...(port ? { port: Number(port) } : {}), ...(path !== '' && path !== '/' ? { path } : {}) }
}
