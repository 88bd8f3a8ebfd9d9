import { BlockList, isIP } from 'node:net'
import { GantryError } from '../../lib/errors.ts'

/** Which proxies lead to registries. Empty: none. */
export interface ProxySettings {
  http: string
  https: string
  /** What is reached without: hosts, ".domains", addresses and CIDRs, each with or without a port, by commas; "*" is everything. */
  none: string
}

/** What was asked for by flag or file counts, else what the environment says. @throws InvalidParameter for what is no URL of a proxy */
export function proxySettings(asked: { http?: string; https?: string; none?: string }, environment: NodeJS.ProcessEnv): ProxySettings {
  const variable = (name: string): string => environment[name] ?? environment[name.toLowerCase()] ?? ''
  return {
    http: checkProxy(asked.http ?? variable('HTTP_PROXY')),
    https: checkProxy(asked.https ?? variable('HTTPS_PROXY')),
    none: asked.none ?? variable('NO_PROXY'),
  }
}

/** The proxy for a URL by the rules of Go's net/http, which dockerd follows: loopback is never proxied. */
export function proxyFor(url: URL, { http, https, none }: ProxySettings): string | undefined {
  const proxy = url.protocol === 'https:' ? https : http
  const host = url.hostname.replaceAll(/[[\]]/g, '').toLowerCase()
  if (proxy === '' || host === 'localhost' || isLoopback(host)) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const isExcepted = none.split(',').some((each) => matches(each.trim().toLowerCase(), host, port))
  return isExcepted ? undefined : proxy
}

/** Without the password. */
export function shownProxy(proxy: string): string {
  return proxy.replace(/\/\/[^/@]*@/, '//xxxxx:xxxxx@')
}

function checkProxy(text: string): string {
  if (text === '') return ''
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new GantryError('InvalidParameter', `invalid proxy ${JSON.stringify(shownProxy(text))}: it must be an http or https URL`)
  return url.href
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function matches(pattern: string, host: string, port: string): boolean {
  if (pattern === '') return false
  if (pattern === '*') return true
  const [address = '', bits] = pattern.split('/')
  const version = isIP(address)
  if (bits !== undefined) return version !== 0 && isIP(host) === version && inSubnet({ address, bits, host, version })
  const [, name = pattern, wanted] = version === 6 ? [] : (/^\[?([^\]]*?)\]?:(\d+)$/.exec(pattern) ?? [])
  if (wanted !== undefined && wanted !== port) return false
  if (isIP(name) !== 0) return name === host
  const domain = name.replace(/^\*\./, '.')
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}

function inSubnet({ address, bits, host, version }: { address: string; bits: string; host: string; version: number }): boolean {
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (!/^\d+$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32)) return false
  const list = new BlockList()
  list.addSubnet(address, Number(bits), family)
  return list.check(host, family)
}
