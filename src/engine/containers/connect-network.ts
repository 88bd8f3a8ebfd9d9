import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import type { Endpoint, NetworkInfo } from '../../net/contract.ts'
import { withBoundPorts } from '../../net/published-ports.ts'
import type { EndpointSettings, PortBinding } from '../types/host-config.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitNetworkEvent } from './container-events.ts'
import { allocateOn, attachOne, resolveNames, wantedPorts } from './endpoints.ts'
import { asked, checkEndpointSettings, oneIsNone } from './endpoint-settings.ts'
import { hostsLines, writeResolvConf } from './network-files.ts'

/** Puts a container on one more network; a running one has the interface when this settles. */
export async function connectContainer(ctx: ContainersContext, container: Container, { network, settings }: { network: NetworkInfo; settings: EndpointSettings }): Promise<void> {
  await container.lock.run(async () => {
    assertConnectable(container, network)
    checkEndpointSettings(network, network.name, settings)
    const isRunning = container.state.Running && container.state.Pid > 0
    const known = Object.hasOwn(container.networks, network.name)
    if (known && isRunning) throw new GantryError('Forbidden', `endpoint with name ${container.name} already exists in network ${network.name}`)
    if (known) return
    container.networks[network.name] = { ...asked(settings), NetworkID: network.id }
    if (isRunning) await plugInto(ctx, container, network)
    ctx.store.save(container)
  })
}

/** Takes a container off a network. */
export async function disconnectContainer(ctx: ContainersContext, container: Container, network: NetworkInfo): Promise<void> {
  await container.lock.run(async () => {
    assertNotLeaving(container)
    const { state, hostConfig, networks } = container
    const isRunning = state.Running && state.Pid > 0
    if (isRunning && hostConfig.NetworkMode === 'host' && network.name === 'host') {
      throw new GantryError('InvalidParameter', 'cannot disconnect container from host network - container was created in host network mode')
    }
    const settings = networks[network.name]
    if (settings === undefined) throw new GantryError('System', `container ${container.id} is not connected to ${isRunning ? '' : 'the '}network ${network.name}`)
    if (isRunning) await unplugFrom(ctx, container, { network, settings })
    delete networks[network.name]
    ctx.store.save(container)
  })
}

/** Takes a container that does not run off a network that somebody has removed meanwhile: it could not be started with it. @returns whether it was on it */
export async function forgetNetwork(ctx: ContainersContext, container: Container, ref: string): Promise<boolean> {
  return container.lock.run(async () => {
    const name = Object.entries(container.networks).find(([one, { NetworkID }]) => one === ref || NetworkID === ref)?.[0]
    if (name === undefined || container.state.Running) return false
    delete container.networks[name]
    ctx.store.save(container)
    return true
  })
}

async function plugInto(ctx: ContainersContext, container: Container, network: NetworkInfo): Promise<void> {
  let endpoint: Endpoint | undefined
  let hasLines = false
  try {
    endpoint = await allocateOn(ctx, container, network.name)
    if (endpoint === undefined) return
    const before = endpoint
    endpoint = await attachOne(ctx, container, { endpoint, pid: container.state.Pid })
    hasLines = before.ipv4 !== endpoint.ipv4 || before.ipv6 !== endpoint.ipv6
    container.ports = await ctx.networks.publish(container.id, portsToKeep(container))
  } catch (error) {
    if (endpoint !== undefined) {
      await ctx.networks.detach(endpoint.id, container.state.Pid)
      await ctx.networks.release(endpoint.id)
      container.ports = await ctx.networks.publish(container.id, portsToKeep(container))
    }
    delete container.networks[network.name]
    throw error
  }
  if (!hasLines) appendFileSync(ctx.store.paths(container.id).hosts, hostsLines(container, [endpoint]))
  writeResolvConf(ctx, container, ctx.networks.endpointsOf(container.id))
  await resolveNames(ctx, container, container.state.Pid)
  emitNetworkEvent(ctx, 'connect', network, container.id)
}

async function unplugFrom(ctx: ContainersContext, container: Container, { network, settings }: { network: NetworkInfo; settings: EndpointSettings }): Promise<void> {
  const id = settings.EndpointID ?? ''
  if (id !== '') {
    const hadNames = ctx.networks.endpointsOf(container.id).some((endpoint) => endpoint.id === id && endpoint.dns !== undefined)
    await ctx.networks.detach(id, container.state.Pid)
    await ctx.networks.release(id)
    container.ports = await ctx.networks.publish(container.id, portsToKeep(container))
    forgetHosts(ctx, container, [settings.IPAddress, settings.GlobalIPv6Address])
    if (hadNames) {
      writeResolvConf(ctx, container, ctx.networks.endpointsOf(container.id))
      await resolveNames(ctx, container, container.state.Pid)
    }
  }
  emitNetworkEvent(ctx, 'disconnect', network, container.id)
}

/** A port that moves to another network keeps its number. */
function portsToKeep(container: Container): Record<string, PortBinding[]> {
  return withBoundPorts(wantedPorts(container), container.ports)
}

/** In place, for the file is mounted in the container. */
function forgetHosts(ctx: ContainersContext, container: Container, addresses: readonly (string | undefined)[]): void {
  const { hosts } = ctx.store.paths(container.id)
  const lines = readFileSync(hosts, 'utf8').split('\n')
  writeFileSync(hosts, lines.filter((line) => !addresses.some((address) => address && line.startsWith(`${address}\t`))).join('\n'))
}

function assertConnectable(container: Container, network: NetworkInfo): void {
  assertNotLeaving(container)
  const mode = container.hostConfig.NetworkMode ?? ''
  const others = Object.keys(container.networks).filter((name) => name !== network.name)
  if (network.driver === 'host' && mode !== 'host' && !mode.startsWith('container:')) {
    throw new GantryError('InvalidParameter', 'container cannot be disconnected from host network or connected to host network')
  }
  if (mode.startsWith('container:') || mode === 'host') {
    throw new GantryError('InvalidParameter', 'container sharing network namespace with another container or host cannot be connected to any other network')
  }
  if (others.includes('none') || (network.driver === 'null' && !network.configOnly && others.length > 0)) throw oneIsNone()
}

function assertNotLeaving({ removed, state, id }: Container): void {
  if (removed || state.RemovalInProgress || state.Dead) {
    throw new GantryError('System', `Container ${id} is marked for removal and cannot be connected or disconnected to the network`)
  }
}
