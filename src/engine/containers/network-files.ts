import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import type { Endpoint } from '../../net/contract.ts'
import { hostNetworkHostsFile, hostsFile, ownLines } from '../../net/hosts.ts'
import { isResolvedStub, resolvConf } from '../../net/resolv-conf.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import type { ContainerPaths } from './record-file.ts'

export interface NetworkFiles {
  hostname: string
  hosts: string
  resolvConf: string
}

const hostResolvConf = '/etc/resolv.conf'
/** The servers behind systemd-resolved's stub (systemd-resolved.service(8)). */
const resolvedUpstream = '/run/systemd/resolve/resolv.conf'

/** Writes /etc/hosts and /etc/resolv.conf for the run to come. A container in another's network has that one's files. */
export function prepareFiles(ctx: ContainersContext, container: Container, options: { endpoints: readonly Endpoint[]; network: Container | undefined }): NetworkFiles {
  const paths = ctx.store.paths((options.network ?? container).id)
  if (options.network === undefined) {
    writeFileSync(paths.hosts, hostsText(ctx, container, options.endpoints), { mode: 0o644 })
    writeResolvConf(ctx, container, { paths, ipv6: options.endpoints.some(({ ipv6 }) => ipv6 !== '') })
  }
  return { hostname: paths.hostname, hosts: paths.hosts, resolvConf: paths.resolvConf }
}

function hostsText(ctx: ContainersContext, { config, hostConfig }: Container, endpoints: readonly Endpoint[]): string {
  const hostGateway = endpoints[0]?.gateway || bridgeGateway(ctx)
  const { ExtraHosts: extraHosts } = hostConfig
  if (hostConfig.NetworkMode === 'host') return hostNetworkHostsFile(readText('/etc/hosts'), { extraHosts, hostGateway })
  return hostsFile({
    hostname: config.Hostname ?? '',
    domainname: config.Domainname,
    addresses: addressesOf(endpoints),
    extraHosts: [...linkedHosts(ctx, hostConfig), ...(extraHosts ?? [])],
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

/** --link on the default bridge, which has no name server: names in the file. @throws Conflict for a container that does not run */
function linkedHosts(ctx: ContainersContext, { Links }: Container['hostConfig']): string[] {
  return (Links ?? []).flatMap((link) => {
    const [ref = '', alias = ref] = link.split(':')
    const other = ctx.registry.get(ref.replace(/^\//, ''))
    if (!other.state.Running) throw new GantryError('Conflict', `cannot link to a non running container: /${other.name} AS ${alias}`)
    const { IPAddress } = other.networks['bridge'] ?? {}
    return IPAddress ? [...new Set([alias, other.config.Hostname ?? '', other.name])].filter((name) => name !== '').map((name) => `${name}:${IPAddress}`) : []
  })
}

function bridgeGateway(ctx: ContainersContext): string {
  return ctx.networks.list().find(({ name }) => name === 'bridge')?.ipam.config[0]?.gateway ?? ''
}

/** A file that was edited since it was written is left as it is; its hash beside it tells. */
function writeResolvConf(ctx: ContainersContext, { hostConfig }: Container, { paths, ipv6 }: { paths: ContainerPaths; ipv6: boolean }): void {
  const hashPath = `${paths.resolvConf}.hash`
  if (existsSync(paths.resolvConf) && readText(hashPath) !== hashOf(readText(paths.resolvConf))) return
  const stub = readText(hostResolvConf)
  const sharesHostNetwork = hostConfig.NetworkMode === 'host'
  const hostPath = !sharesHostNetwork && isResolvedStub(stub) && existsSync(resolvedUpstream) ? resolvedUpstream : hostResolvConf
  const text = resolvConf({
    host: hostPath === hostResolvConf ? stub : readText(hostPath),
    hostPath,
    dns: hostConfig.Dns?.length ? hostConfig.Dns : ctx.dns.servers,
    dnsSearch: hostConfig.DnsSearch?.length ? hostConfig.DnsSearch : ctx.dns.search,
    dnsOptions: hostConfig.DnsOptions?.length ? hostConfig.DnsOptions : ctx.dns.options,
    sharesHostNetwork,
    ipv6,
  })
  writeFileSync(paths.resolvConf, text, { mode: 0o644 })
  writeFileSync(hashPath, hashOf(text), { mode: 0o644 })
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
