import { isIP } from 'node:net'
import { GantryError } from '../lib/errors.ts'

export interface HostsSettings {
  hostname: string
  domainname?: string
  /** The container's own addresses. */
  addresses: readonly string[]
  /** --add-host: "name:address"; the address may be "host-gateway". */
  extraHosts?: readonly string[] | null
  /** Containers that are linked to: each address with all names, parted by spaces. */
  links?: readonly (readonly [address: string, names: string])[]
  /** What "host-gateway" stands for: --host-gateway-ip, by default the gateway of the default bridge. Several give a line each. */
  hostGateway: string | readonly string[]
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
  return text([...common, ...extraLines(settings.extraHosts ?? [], settings.hostGateway), ...(settings.links ?? [])]) + ownLines(settings)
}

/** The lines of the container's own addresses. */
export function ownLines({ hostname, domainname, addresses }: Pick<HostsSettings, 'hostname' | 'domainname' | 'addresses'>): string {
  const whole = domainname ? `${hostname}.${domainname}` : hostname
  const [short = ''] = whole.split('.')
  const names = short === whole ? whole : `${whole} ${short}`
  return text(addresses.map((address) => [address, names] as const))
}

/** With the host's network the host's file holds, and what was asked for in addition. @throws InvalidParameter */
export function hostNetworkHostsFile(hostFile: string, extra: Pick<HostsSettings, 'extraHosts' | 'hostGateway'>): string {
  const separator = hostFile === '' || hostFile.endsWith('\n') ? '' : '\n'
  return hostFile + separator + text(extraLines(extra.extraHosts ?? [], extra.hostGateway))
}

function extraLines(extraHosts: readonly string[], hostGateway: HostsSettings['hostGateway']): (readonly [string, string])[] {
  return extraHosts.flatMap((entry) => {
    const [, name, asked] = /^([^:=]+)[:=](.+)$/s.exec(entry) ?? []
    if (name === undefined || asked === undefined || /\s/.test(entry)) {
      throw new GantryError('InvalidParameter', `bad format for add-host: "${entry}"`)
    }
    const addresses = asked === 'host-gateway' ? [hostGateway].flat() : [asked.replace(/^\[(.*)\]$/, '$1')]
    if (addresses.length === 0 || addresses.some((address) => isIP(address) === 0)) throw new GantryError('InvalidParameter', `invalid IP address in add-host: "${asked}"`)
    return addresses.map((address) => [address, name] as const)
  })
}

function text(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([address, names]) => `${address}\t${names}\n`).join('')
}
