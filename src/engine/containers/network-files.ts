import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import type { Endpoint, NameResolving } from '../../net/contract.ts'
import { hostNetworkHostsFile, hostsFile, ownLines } from '../../net/hosts.ts'
import { forwardingSettings, isResolvedStub, resolvConf } from '../../net/resolv-conf.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { isUserDefined } from './endpoint-settings.ts'
import { linkedHosts } from './linked-hosts.ts'

export interface NetworkFiles {
  hostname: string
  hosts: string
  resolvConf: string
}

const hostResolvConf = '/etc/resolv.conf'
/** The servers behind systemd-resolved's stub (systemd-resolved.service(8)). */
const resolvedUpstream = '/run/systemd/resolve/resolv.conf'
/** The resolver of src/net/dns. */
const resolver = '127.0.0.11'

/** Writes /etc/hosts and /etc/resolv.conf for the run to come. A container in another's network has that one's files. */
export function prepareFiles(ctx: ContainersContext, container: Container, options: { endpoints: readonly Endpoint[]; network: Container | undefined }): NetworkFiles {
  const paths = ctx.store.paths((options.network ?? container).id)
  if (options.network === undefined) {
    writeFileSync(paths.hosts, hostsText(ctx, container, options.endpoints), { mode: 0o644 })
    writeResolvConf(ctx, container, options.endpoints)
  }
  return { hostname: paths.hostname, hosts: paths.hosts, resolvConf: paths.resolvConf }
}

function hostsText(ctx: ContainersContext, { config, hostConfig }: Container, endpoints: readonly Endpoint[]): string {
  const hostGateway = hostGateways(ctx, endpoints)
  const { ExtraHosts: extraHosts } = hostConfig
  if (hostConfig.NetworkMode === 'host') return hostNetworkHostsFile(readText('/etc/hosts'), { extraHosts, hostGateway })
  return hostsFile({
    hostname: config.Hostname ?? '',
    domainname: config.Domainname,
    addresses: addressesOf(endpoints),
    extraHosts,
    links: linkedHosts(ctx, hostConfig),
    hostGateway,
  })
}

/** The container's own lines for some of its endpoints. */
export function hostsLines({ config }: Pick<Container, 'config'>, endpoints: readonly Endpoint[]): string {
  return ownLines({ hostname: config.Hostname ?? '', domainname: config.Domainname, addresses: addressesOf(endpoints) })
}

function addressesOf(endpoints: readonly Endpoint[]): string[] {
  return endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter((address) => address !== ''))
}

/** Those of the default bridge, of IPv6 for a container that has it. */
function hostGateways(ctx: ContainersContext, endpoints: readonly Endpoint[]): readonly string[] {
  if (ctx.dns.hostGateways?.length) return ctx.dns.hostGateways
  const bridge = ctx.networks.list().find(({ name }) => name === 'bridge')?.ipam.config.map(({ gateway }) => gateway) ?? []
  const hasIPv6 = endpoints.some(({ ipv6 }) => ipv6 !== '')
  const reachable = bridge.filter((gateway) => gateway !== '' && (hasIPv6 || !isIPv6(gateway)))
  return reachable.length > 0 ? reachable : [endpoints[0]?.gateway ?? '']
}

/** What the container's resolver has to know. */
export function nameResolving(ctx: ContainersContext, { id, hostConfig }: Pick<Container, 'id' | 'hostConfig'>, pid: number): NameResolving {
  const { servers, ndots } = forwardingSettings({ host: readText(hostResolvConf), ...asked(ctx, hostConfig, ctx.networks.endpointsOf(id)) })
  return { pid, servers, keepsShortNames: ndots > 0 }
}

/** A file that was edited since it was written is left as it is; its hash beside it tells. In place, for the file is mounted in the container. */
export function writeResolvConf(ctx: ContainersContext, { id, hostConfig, networks }: Container, endpoints: readonly Endpoint[]): void {
  const paths = ctx.store.paths(id)
  const hashPath = `${paths.resolvConf}.hash`
  if (existsSync(paths.resolvConf) && readText(hashPath) !== hashOf(readText(paths.resolvConf))) return
  const stub = readText(hostResolvConf)
  const sharesHostNetwork = hostConfig.NetworkMode === 'host'
  const hasResolver = Object.keys(networks).some(isUserDefined)
  const seesLoopback = sharesHostNetwork || hasResolver
  const hostPath = !seesLoopback && isResolvedStub(stub) && existsSync(resolvedUpstream) ? resolvedUpstream : hostResolvConf
  const text = resolvConf({
    host: hostPath === hostResolvConf ? stub : readText(hostPath),
    hostPath,
    ...asked(ctx, hostConfig, endpoints),
    sharesHostNetwork,
    ipv6: endpoints.some(({ ipv6 }) => ipv6 !== ''),
    ...(hasResolver ? { resolver } : {}),
  })
  writeFileSync(paths.resolvConf, text, { mode: 0o644 })
  writeFileSync(hashPath, hashOf(text), { mode: 0o644 })
}

/** What the container's user says, or else the first of its networks that says something, or else the engine. */
function asked(ctx: ContainersContext, { Dns, DnsSearch, DnsOptions }: Container['hostConfig'], endpoints: readonly Endpoint[]): { dns: readonly string[]; dnsSearch: readonly string[]; dnsOptions: readonly string[] } {
  const { servers, search, options } = endpoints.find(({ dns }) => dns !== undefined)?.dns ?? { servers: [], search: [], options: [] }
  return {
    dns: Dns?.length ? Dns : servers.length > 0 ? servers : ctx.dns.servers,
    dnsSearch: DnsSearch?.length ? DnsSearch : search.length > 0 ? search : ctx.dns.search,
    dnsOptions: DnsOptions?.length ? DnsOptions : options.length > 0 ? options : ctx.dns.options,
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** "" for a file that is not there. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
