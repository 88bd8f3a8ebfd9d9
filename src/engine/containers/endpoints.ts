import { appendFileSync } from 'node:fs'
import { GantryError, kindOf, messageOf } from '../../lib/errors.ts'
import { unpackPorts } from '../../lib/port-table.ts'
import type { AllocateEndpoint, Endpoint, EndpointLink, NetworkInfo } from '../../net/contract.ts'
import { allPorts } from '../../net/published-ports.ts'
import type { KeptAddresses } from '../checkpoints/addresses.ts'
import type { EndpointSettings, PortBinding } from '../types/host-config.ts'
import { timed } from '../metrics/timed.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitNetworkEvent } from './container-events.ts'
import { isUserDefined } from './endpoint-settings.ts'
import { hostsLines, nameResolving, writeResolvConf } from './network-files.ts'

/**
 * Gives the container its places on its networks. Addresses and ports are held from here until `releaseEndpoints`.
 * @param kept where it was at a checkpoint: it gets the same addresses as long as nobody else has them
 */
export async function allocateEndpoints(ctx: ContainersContext, container: Container, kept: KeptAddresses = {}): Promise<Endpoint[]> {
  container.ports = {}
  try {
    for (const name of startOrder(container)) await allocateOn(ctx, container, name, kept[name])
    const endpoints = ctx.networks.endpointsOf(container.id)
    const wanted = wantedPorts(container)
    if (endpoints.length > 0 && Object.keys(wanted).length > 0) container.ports = await ctx.networks.publish(container.id, wanted)
    return endpoints
  } catch (error) {
    throw asNetworkFailure(error)
  }
}

/** One more place. The settings of the network in `container.networks` become what it got. */
export async function allocateOn(ctx: ContainersContext, container: Container, name: string, kept: KeptAddresses[string] = {}): Promise<Endpoint | undefined> {
  const network = ctx.networks.get(name)
  const base = requestedSettings(container.networks[name] ?? {})
  if (network.name !== name) delete container.networks[name]
  container.networks[network.name] = { ...base, NetworkID: network.id }
  if (network.driver === 'host' || (network.driver === 'null' && !network.configOnly)) return undefined
  const dnsNames = isUserDefined(network.name) ? dnsNamesOf(container, base) : []
  const request = (addresses: KeptAddresses[string]): AllocateEndpoint => ({
    networkId: network.id,
    containerId: container.id,
    containerName: container.name,
    ipv4: base.IPAMConfig?.IPv4Address || addresses.ipv4,
    ipv6: base.IPAMConfig?.IPv6Address || addresses.ipv6,
    mac: base.DesiredMacAddress || addresses.mac,
    linkLocal: base.IPAMConfig?.LinkLocalIPs ?? [],
    gwPriority: base.GwPriority,
    driverOpts: base.DriverOpts ?? undefined,
    dnsNames,
    links: (base.Links ?? []).map(parseLink),
  })
  const endpoint = await ctx.networks.allocate(request(kept)).catch((error: unknown) => {
    if (kindOf(error) !== 'Forbidden' || Object.keys(kept).length === 0) throw error
    return ctx.networks.allocate(request({}))
  })
  container.networks[network.name] = liveSettings(base, { network, endpoint, dnsNames })
  return endpoint
}

/** Connects the network namespace of `pid`. The first network is eth0. */
export async function attachEndpoints(ctx: ContainersContext, container: Container, options: { pid: number; endpoints: readonly Endpoint[] }): Promise<void> {
  const order = startOrder(container).map((name) => container.networks[name]?.NetworkID)
  const endpoints = options.endpoints.toSorted((one, other) => order.indexOf(one.networkId) - order.indexOf(other.networkId))
  try {
    for (const endpoint of endpoints) await attachOne(ctx, container, { endpoint, pid: options.pid })
    await resolveNames(ctx, container, options.pid)
    if (endpoints.length === 0 && ownsNetworkNamespace(container)) await ctx.networks.attachNone(options.pid)
  } catch (error) {
    throw asNetworkFailure(error)
  }
  eachNetwork(ctx, container, (network) => emitNetworkEvent(ctx, 'connect', network, container.id))
}

/** Drivers of third parties may give addresses and ports as late as this: then what was written down before changes. */
export async function attachOne(ctx: ContainersContext, container: Container, { endpoint, pid }: { endpoint: Endpoint; pid: number }): Promise<Endpoint> {
  const placed = await ctx.networks.attach(endpoint.id, pid)
  const name = Object.keys(container.networks).find((one) => container.networks[one]?.EndpointID === endpoint.id)
  const settings = name === undefined ? undefined : container.networks[name]
  if (settings === undefined) return placed
  if (placed.ipv4 !== endpoint.ipv4 || placed.ipv6 !== endpoint.ipv6) appendFileSync(ctx.store.paths(container.id).hosts, hostsLines(container, [placed]))
  if (placed.dns !== undefined) writeResolvConf(ctx, container, ctx.networks.endpointsOf(container.id))
  if (placed.ports !== endpoint.ports) container.ports = allPorts(ctx.networks.endpointsOf(container.id))
  Object.assign(settings, placeOf(placed))
  return placed
}

/** Names resolve in the container, or the log says why not: it works without them. */
export async function resolveNames(ctx: ContainersContext, container: Container, pid: number): Promise<void> {
  if (!Object.keys(container.networks).some(isUserDefined)) return
  try {
    await ctx.networks.resolveNames(container.id, nameResolving(ctx, container, pid))
  } catch (error) {
    ctx.log(messageOf(error))
  }
}

/** Gives everything back; goes on past failures, for a container must always be able to end. */
export function releaseEndpoints(ctx: ContainersContext, container: Container): Promise<void> {
  return timed('network_actions', 'release', () => releaseAll(ctx, container))
}

async function releaseAll(ctx: ContainersContext, container: Container): Promise<void> {
  for (const [name, settings] of Object.entries(container.networks)) {
    const id = settings.EndpointID
    container.networks[name] = { ...requestedSettings(settings), NetworkID: settings.NetworkID, DNSNames: settings.DNSNames }
    if (id === undefined || id === '') continue
    try {
      await ctx.networks.detach(id)
      await ctx.networks.release(id)
    } catch (error) {
      ctx.log(`cannot release endpoint ${id} of container ${container.id}: ${messageOf(error)}`)
    }
  }
  container.ports = {}
  eachNetwork(ctx, container, (network) => emitNetworkEvent(ctx, 'disconnect', network, container.id))
}

export function ownsNetworkNamespace(container: Pick<Container, 'hostConfig'>): boolean {
  const mode = container.hostConfig.NetworkMode ?? ''
  return mode !== 'host' && !mode.startsWith('container:')
}

/** Host ports asked for, and with --publish-all an ephemeral one for every other exposed port. */
export function wantedPorts({ config, hostConfig }: Container): Record<string, PortBinding[]> {
  const wanted: Record<string, PortBinding[]> = {}
  for (const [port, bindings] of Object.entries(hostConfig.PortBindings ?? {})) {
    wanted[port] = bindings === null || bindings.length === 0 ? [{}] : bindings
  }
  if (!hostConfig.PublishAllPorts) return wanted
  const named = unpackPorts(wanted)
  for (const port of Object.keys(unpackPorts(config.ExposedPorts ?? {}))) if (!Object.hasOwn(named, port)) wanted[port] = [{}]
  return wanted
}

/** All names by which others on a user-defined network find it; the first answers reverse lookups. */
export function dnsNamesOf(container: Pick<Container, 'id' | 'name' | 'config'>, { Aliases }: EndpointSettings): string[] {
  const names = [container.name, ...(Aliases ?? []), container.id.slice(0, 12), container.config.Hostname ?? '']
  return [...new Set(names.filter((name) => name !== ''))]
}

/** Name servers answer with the new name from now on. */
export function renameEndpoints(ctx: ContainersContext, container: Container): void {
  const names = new Map<string, string[]>()
  for (const [network, settings] of Object.entries(container.networks)) {
    if (!settings.EndpointID || !isUserDefined(network)) continue
    settings.DNSNames = dnsNamesOf(container, settings)
    names.set(settings.EndpointID, settings.DNSNames)
  }
  ctx.networks.rename(container.id, container.name, names)
}

/** What the user asked for, without what a run added. */
export function requestedSettings({ IPAMConfig, Links, Aliases, DriverOpts, GwPriority, MacAddress, DesiredMacAddress, EndpointID }: EndpointSettings): EndpointSettings {
  const mac = DesiredMacAddress ?? (EndpointID === undefined || EndpointID === '' ? MacAddress : undefined)
  return { IPAMConfig, Links, Aliases, DriverOpts, GwPriority, MacAddress: mac, DesiredMacAddress: mac }
}

/** The network of NetworkMode first, then by priority and name: eth0, eth1, … */
function startOrder({ networks, hostConfig }: Container): string[] {
  const rank = (name: string): number => (name === hostConfig.NetworkMode || networks[name]?.NetworkID === hostConfig.NetworkMode ? 0 : 1)
  return Object.keys(networks).toSorted((one, other) =>
    rank(one) - rank(other) || (networks[other]?.GwPriority ?? 0) - (networks[one]?.GwPriority ?? 0) || (one < other ? -1 : 1))
}

/** "db:database", "db" */
function parseLink(link: string): EndpointLink {
  const [container = '', alias = container] = link.split(':')
  return { container: container.replace(/^\//, ''), alias }
}

function asNetworkFailure(error: unknown): GantryError {
  return new GantryError(kindOf(error), `failed to set up container networking: ${messageOf(error)}`, { cause: error })
}

function eachNetwork(ctx: ContainersContext, container: Container, act: (network: NetworkInfo) => void): void {
  for (const name of Object.keys(container.networks)) {
    const network = ctx.networks.list().find((candidate) => candidate.name === name || candidate.id === name)
    if (network !== undefined) act(network)
  }
}

function liveSettings(base: EndpointSettings, { network, endpoint, dnsNames }: { network: NetworkInfo; endpoint: Endpoint; dnsNames: string[] }): EndpointSettings {
  return {
    ...base,
    NetworkID: network.id,
    ...placeOf(endpoint),
    ...(dnsNames.length > 0 ? { DNSNames: dnsNames } : {}),
  }
}

function placeOf(endpoint: Endpoint): EndpointSettings {
  return {
    EndpointID: endpoint.id,
    Gateway: endpoint.gateway,
    IPAddress: endpoint.ipv4,
    IPPrefixLen: endpoint.prefix,
    IPv6Gateway: endpoint.gateway6,
    GlobalIPv6Address: endpoint.ipv6,
    GlobalIPv6PrefixLen: endpoint.prefix6,
    MacAddress: endpoint.mac,
  }
}
