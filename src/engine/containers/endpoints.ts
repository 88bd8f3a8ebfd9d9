import { messageOf } from '../../lib/errors.ts'
import type { Endpoint, NetworkInfo } from '../../net/contract.ts'
import type { EndpointSettings, PortBinding } from '../types/host-config.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitNetworkEvent } from './container-events.ts'

/** Gives the container its places on its networks. Addresses and ports are held from here until `releaseEndpoints`. */
export async function allocateEndpoints(ctx: ContainersContext, container: Container): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = []
  container.ports = {}
  for (const [name, asked] of Object.entries(container.networks)) {
    const network = ctx.networks.get(name)
    const base = requestedSettings(asked)
    container.networks[name] = { ...base, NetworkID: network.id }
    if (network.driver !== 'bridge') continue
    const endpoint = await ctx.networks.allocate({
      networkId: network.id,
      containerId: container.id,
      containerName: container.name,
      ipv4: asked.IPAMConfig?.IPv4Address,
      mac: asked.MacAddress,
      portBindings: endpoints.length === 0 ? wantedPorts(container) : {},
    })
    endpoints.push(endpoint)
    container.networks[name] = liveSettings(base, network, endpoint)
    Object.assign(container.ports, endpoint.ports)
  }
  return endpoints
}

/** Connects the network namespace of `pid`. */
export async function attachEndpoints(ctx: ContainersContext, container: Container, options: { pid: number; endpoints: readonly Endpoint[] }): Promise<void> {
  for (const endpoint of options.endpoints) await ctx.networks.attach(endpoint.id, options.pid)
  if (options.endpoints.length === 0 && ownsNetworkNamespace(container)) await ctx.networks.attachNone(options.pid)
  eachNetwork(ctx, container, (network) => emitNetworkEvent(ctx, 'connect', network, container.id))
}

/** Gives everything back; goes on past failures, for a container must always be able to end. */
export async function releaseEndpoints(ctx: ContainersContext, container: Container): Promise<void> {
  for (const [name, settings] of Object.entries(container.networks)) {
    const id = settings.EndpointID
    container.networks[name] = requestedSettings(settings)
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
function wantedPorts({ config, hostConfig }: Container): Record<string, PortBinding[]> {
  const wanted: Record<string, PortBinding[]> = {}
  for (const [port, bindings] of Object.entries(hostConfig.PortBindings ?? {})) {
    wanted[port] = bindings === null || bindings.length === 0 ? [{}] : bindings
  }
  if (hostConfig.PublishAllPorts) for (const port of Object.keys(config.ExposedPorts ?? {})) wanted[port] ??= [{}]
  return wanted
}

function eachNetwork(ctx: ContainersContext, container: Container, act: (network: NetworkInfo) => void): void {
  for (const name of Object.keys(container.networks)) {
    const network = ctx.networks.list().find((candidate) => candidate.name === name || candidate.id === name)
    if (network !== undefined) act(network)
  }
}

/** What the user asked for, without what a run added. */
function requestedSettings({ IPAMConfig, Links, Aliases, DriverOpts, GwPriority, MacAddress, EndpointID }: EndpointSettings): EndpointSettings {
  const askedMac = EndpointID === undefined || EndpointID === '' ? MacAddress : undefined
  return { IPAMConfig, Links, Aliases, DriverOpts, GwPriority, MacAddress: askedMac }
}

function liveSettings(base: EndpointSettings, network: NetworkInfo, endpoint: Endpoint): EndpointSettings {
  return {
    ...base,
    NetworkID: network.id,
    EndpointID: endpoint.id,
    Gateway: endpoint.gateway,
    IPAddress: endpoint.ipv4,
    IPPrefixLen: endpoint.prefix,
    MacAddress: endpoint.mac,
  }
}
