import { messageOf } from '../../../lib/errors.ts'
import type { Endpoint, NetworkInfo } from '../../contract.ts'
import type { StoredEndpoint } from '../../endpoint-store.ts'
import { textOf } from '../../plugins/answer.ts'
import type { Plugin } from '../../plugins/plugin.ts'
import type { AttachOptions, Attachment, MadeLinks, NetworkDriver } from '../contract.ts'
import type { HostLinks } from '../host-links.ts'
import { bringUpLoopback } from '../inner-interface.ts'
import type { Sandboxes } from '../sandboxes.ts'
import { decidedBy, endpointBody, externalOptions, networkBody, publishedBy } from './bodies.ts'
import { giveBack, parseJoined, takeIn } from './join.ts'

export interface RemoteParts {
  plugin: Plugin
  links: HostLinks
  sandboxes: Sandboxes
  memory: MadeLinks
  log: (line: string) => void
}

/** What is on disk with an endpoint. */
interface JoinedState extends Record<string, unknown> {
  /** Name of the interface on the host. */
  source: string
  hasExternal: boolean
}

/**
 * Networks of a plugin (moby libnetwork/docs/remote.md). The plugin keeps its own state: it hears of a network and an endpoint once,
 * when they are made, not again after a restart of the engine. A plugin that is away keeps no container from ending.
 */
export class RemoteDriver implements NetworkDriver {
  readonly isForeign = true
  readonly #parts: RemoteParts

  constructor(parts: RemoteParts) {
    this.#parts = parts
  }

  async present(): Promise<void> {
    await this.#parts.plugin.require('NetworkDriver')
    const scope = textOf((await this.#parts.plugin.call('NetworkDriver.GetCapabilities', {}))['Scope'])
    if (scope !== '' && scope !== 'local') this.#parts.log(`network driver ${this.#parts.plugin.name} spans hosts by scope "${scope}": its networks are this host's alone here`)
  }

  check(): void {}

  hasGateway(): boolean {
    return true
  }

  carriesPorts(): boolean {
    return true
  }

  async setUp(network: NetworkInfo): Promise<void> {
    const { plugin, memory } = this.#parts
    if (memory.isOurs(network.id)) return
    await plugin.call('NetworkDriver.CreateNetwork', networkBody(network))
    memory.remember(network.id, `plugin ${plugin.name}`)
  }

  async tearDown(network: NetworkInfo): Promise<void> {
    const { memory } = this.#parts
    if (!memory.isOurs(network.id)) return
    await this.#tell('DeleteNetwork', { NetworkID: network.id })
    memory.forget(network.id)
  }

  async allocate(network: NetworkInfo, endpoint: StoredEndpoint): Promise<Partial<Endpoint>> {
    return decidedBy(await this.#parts.plugin.call('NetworkDriver.CreateEndpoint', endpointBody(network, endpoint)), endpoint)
  }

  async attach(network: NetworkInfo, endpoint: StoredEndpoint, { pid, way, keep }: AttachOptions): Promise<Attachment> {
    const { plugin, links, sandboxes } = this.#parts
    const where = { NetworkID: network.id, EndpointID: endpoint.id }
    const sandbox = sandboxes.open(endpoint.id, pid)
    let state: JoinedState = { source: '', hasExternal: false }
    keep(state)
    let inner = { name: '', mac: '' }
    try {
      const joined = parseJoined(await plugin.call('NetworkDriver.Join', { ...where, SandboxKey: sandbox, Options: {} }))
      state = { ...state, source: joined.source }
      keep(state)
      const placed = { ...endpoint, gateway: joined.gateway, gateway6: joined.gateway6 }
      const leads = { ipv4: way.ipv4 && joined.gateway !== '', ipv6: way.ipv6 && joined.gateway6 !== '' }
      if (joined.source === '') bringUpLoopback(links.home, pid)
      else inner = takeIn(links, joined, { endpoint: placed, pid, way: leads })
      state = { ...state, hasExternal: leads.ipv4 || leads.ipv6 || Object.keys(endpoint.bindings).length > 0 }
      keep(state)
      const ports = state.hasExternal ? await this.#publish(where, endpoint) : undefined
      return { containerInterface: inner.name, ...(inner.mac === '' ? {} : { mac: inner.mac }), gateway: joined.gateway, gateway6: joined.gateway6, ...(ports === undefined ? {} : { ports }) }
    } catch (error) {
      await this.#leave({ ...endpoint, networkId: network.id, containerInterface: inner.name, driverState: state })
      throw error
    }
  }

  async wayChanged(network: NetworkInfo, endpoint: StoredEndpoint, { way, keep }: Pick<AttachOptions, 'way' | 'keep'>): Promise<void> {
    const state = endpoint.driverState as JoinedState | undefined
    const hasExternal = way.ipv4 || way.ipv6 || Object.keys(endpoint.bindings).length > 0
    if (state === undefined || state.hasExternal === hasExternal) return
    keep({ ...state, hasExternal })
    const where = { NetworkID: network.id, EndpointID: endpoint.id }
    if (hasExternal) await this.#tell('ProgramExternalConnectivity', { ...where, Options: externalOptions(endpoint) })
    else await this.#tell('RevokeExternalConnectivity', where)
  }

  async detach(_network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
    if (endpoint.driverState !== undefined) await this.#leave(endpoint)
  }

  async release(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
    await this.#tell('DeleteEndpoint', { NetworkID: network.id, EndpointID: endpoint.id })
  }

  close(): void {}

  async #publish(where: { NetworkID: string; EndpointID: string }, endpoint: StoredEndpoint): Promise<Endpoint['ports'] | undefined> {
    const { plugin } = this.#parts
    await plugin.call('NetworkDriver.ProgramExternalConnectivity', { ...where, Options: externalOptions(endpoint) })
    return Object.keys(endpoint.bindings).length === 0 ? undefined : publishedBy(await plugin.call('NetworkDriver.EndpointOperInfo', where))
  }

  async #leave(endpoint: StoredEndpoint): Promise<void> {
    const { links, sandboxes, log } = this.#parts
    const { source = '', hasExternal = false } = (endpoint.driverState ?? {}) as Partial<JoinedState>
    const where = { NetworkID: endpoint.networkId, EndpointID: endpoint.id }
    if (hasExternal) await this.#tell('RevokeExternalConnectivity', where)
    try {
      if (sandboxes.has(endpoint.id)) giveBack(links, { inner: endpoint.containerInterface, source }, sandboxes.pathOf(endpoint.id))
    } catch (error) {
      log(`cannot give interface ${source} back to plugin ${this.#parts.plugin.name}: ${messageOf(error)}`)
    }
    await this.#tell('Leave', where)
    sandboxes.close(endpoint.id)
  }

  /** What is to end ends, whatever the plugin says to it. */
  async #tell(method: string, body: Record<string, unknown>): Promise<void> {
    try {
      await this.#parts.plugin.call(`NetworkDriver.${method}`, body)
    } catch (error) {
      this.#parts.log(messageOf(error))
    }
  }
}
