import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { GantryError } from '../../lib/errors.ts'
import type { ProxySettings } from './proxy-settings.ts'

/** How the engine meets registries. */
export interface RegistrySettings {
  /** Base URLs that are asked for docker.io's images first. */
  mirrors: string[]
  /** "host[:port]" or CIDR of registries whose certificate is not checked and that may speak plain HTTP. */
  insecure: string[]
  /** Holds a directory "<host[:port]>" for each registry with authorities (*.crt) and client certificates (*.cert, *.key). */
  certificates: string
  proxies: ProxySettings
  maxDownloads: number
  maxUploads: number
  /** How often a layer is tried. */
  maxAttempts: number
}

/** A place where a registry may answer. */
export interface Endpoint {
  scheme: 'http' | 'https'
  /** "host[:port]" */
  host: string
  /** Path before "/v2/", without a slash at its end. */
  prefix: string
  /** Its certificate is not checked. */
  insecure: boolean
  mirror: boolean
}

export const defaultDomain = 'docker.io'
const defaultHost = 'registry-1.docker.io'

/** Loopback registries are insecure, as with Docker. */
export const loopbackRanges = ['::1/128', '127.0.0.0/8']

/** Where to look for a repository of `domain`, in order. Mirrors only serve what is pulled. */
export async function endpointsOf(settings: RegistrySettings, domain: string, use: { mirrors: boolean }): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = []
  if (domain === defaultDomain && use.mirrors) {
    for (const mirror of settings.mirrors) endpoints.push(await mirrorEndpoint(settings, mirror))
  }
  const host = domain === defaultDomain ? defaultHost : domain
  const insecure = await isInsecure(settings, host)
  const schemes = insecure ? (['https', 'http'] as const) : (['https'] as const)
  for (const scheme of schemes) endpoints.push({ scheme, host, prefix: '', insecure, mirror: false })
  return endpoints
}

/** @throws InvalidParameter with dockerd's text for what is no mirror; the answer ends with a slash */
export function checkMirror(text: string): string {
  const url = URL.parse(text)
  if (url === null) throw invalid(`invalid mirror: ${JSON.stringify(text)} is not a valid URI`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalid(`invalid mirror: unsupported scheme ${JSON.stringify(url.protocol.slice(0, -1))} in ${JSON.stringify(text)}`)
  }
  if (url.search !== '' || url.hash !== '') throw invalid(`invalid mirror: query or fragment at end of the URI ${JSON.stringify(text)}`)
  if (url.username !== '' || url.password !== '') throw invalid('invalid mirror: username/password not allowed in URI')
  return text.endsWith('/') ? text : `${text}/`
}

/** @throws InvalidParameter for what is neither "host[:port]" nor a CIDR; a scheme before it is dropped */
export function checkInsecure(text: string): string {
  const bare = text.replace(/^https?:\/\//i, '')
  if (/^[^/\s]+\/\d{1,3}$/.test(bare) && subnet(bare) !== undefined) return bare
  if (!/^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9.-]+)(:\d{1,5})?$/.test(bare)) throw invalid(`insecure registry ${text} is not valid: invalid host ${JSON.stringify(bare)}`)
  return bare
}

export async function isInsecure(settings: Pick<RegistrySettings, 'insecure'>, host: string): Promise<boolean> {
  const name = hostName(host)
  if (settings.insecure.some((each) => each === host || each === name)) return true
  if (name === 'localhost') return true
  const ranges = [...loopbackRanges, ...settings.insecure.filter((each) => subnet(each) !== undefined)]
  const list = new BlockList()
  for (const range of ranges) {
    const { address, prefix, family } = subnet(range)!
    list.addSubnet(address, prefix, family)
  }
  if (isIP(name) !== 0) return list.check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4')
  // A name is worth a question only where somebody has listed addresses.
  if (ranges.length === loopbackRanges.length) return false
  const addresses = await lookup(name, { all: true }).catch(() => [])
  return addresses.some(({ address, family }) => list.check(address, family === 6 ? 'ipv6' : 'ipv4'))
}

/** Without port and brackets. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')
}

async function mirrorEndpoint(settings: RegistrySettings, mirror: string): Promise<Endpoint> {
  const url = new URL(mirror)
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  return { scheme, host: url.host, prefix: url.pathname.replace(/\/+$/, ''), insecure: await isInsecure(settings, url.host), mirror: true }
}

function subnet(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (bits === undefined || more.length > 0 || version === 0 || !/^\d+$/.test(bits)) return undefined
  const prefix = Number(bits)
  return prefix <= (version === 6 ? 128 : 32) ? { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' } : undefined
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
