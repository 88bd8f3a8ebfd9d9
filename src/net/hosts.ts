import { isIP } from 'node:net'
import { GantryError } from '../lib/errors.ts'

export interface HostsSettings {
  hostname: string
  domainname?: string
  /** The container's own addresses. */
  addresses: readonly string[]
  /** --add-host: "name:address"; the address may be "host-gateway". */
  extraHosts?: readonly string[] | null
  /** What "host-gateway" stands for: --host-gateway-ip, by default the gateway of the default bridge. */
  hostGateway: string
}

const common = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::', 'ip6-localnet'],
  ['ff00::', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
] as const

/** A container's /etc/hosts: Docker's lines in Docker's order. @throws InvalidParameter */
export function hostsFile(settings: HostsSettings): string {
  return text([...common, ...extraLines(settings.extraHosts ?? [], settings.hostGateway)]) + ownLines(settings)
}

/** The lines of the container's own addresses. */
export function ownLines({ hostname, domainname, addresses }: Pick<HostsSettings, 'hostname' | 'domainname' | 'addresses'>): string {
  const names = domainname ? `${hostname}.${domainname} ${hostname}` : hostname
  return text(addresses.map((address) => [address, names] as const))
}

/** With the host's network the host's file holds, and what was asked for in addition. @throws InvalidParameter */
export function hostNetworkHostsFile(hostFile: string, extra: Pick<HostsSettings, 'extraHosts' | 'hostGateway'>): string {
  const separator = hostFile === '' || hostFile.endsWith('\n') ? '' : '\n'
  return hostFile + separator + text(extraLines(extra.extraHosts ?? [], extra.hostGateway))
}

function extraLines(extraHosts: readonly string[], hostGateway: string): (readonly [string, string])[] {
  return extraHosts.map((entry) => {
    const [, name, asked] = /^([^:=]+)[:=](.+)$/s.exec(entry) ?? []
    if (name === undefined || asked === undefined || /\s/.test(entry)) {
      throw new GantryError('InvalidParameter', `bad format for add-host: "${entry}"`)
    }
    const address = asked === 'host-gateway' ? hostGateway : asked.replace(/^\[(.*)\]$/, '$1')
    if (isIP(address) === 0) throw new GantryError('InvalidParameter', `invalid IP address in add-host: "${asked}"`)
    return [address, name] as const
  })
}

function text(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([address, names]) => `${address}\t${names}\n`).join('')
}
