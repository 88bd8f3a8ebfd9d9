import type { Kernel } from '../../../kernel/kernel.ts'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import type { NetworkInfo } from '../../contract.ts'
import type { StoredEndpoint } from '../../endpoint-store.ts'
import type { AttachOptions, Attachment, NetworkDriver } from '../contract.ts'
import type { HostLinks } from '../host-links.ts'
import { bringUpLoopback } from '../inner-interface.ts'
import type { Sandboxes } from '../sandboxes.ts'
import { addToChain, checkChain, deleteFromChain } from './chain.ts'
import type { CniCall } from './chain.ts'
import { findProgram, hasCapability, pluginFolders, readConfiguration } from './configuration.ts'
import type { CniConfiguration } from './configuration.ts'
import { attachmentOf } from './result.ts'

export interface CniParts {
  kernel: Kernel
  links: HostLinks
  sandboxes: Sandboxes
  log: (line: string) => void
}

/**
 * Networks that a CNI configuration describes. Plugins choose addresses when a container is attached. The configuration is
 * read at every ADD; what was used then is on disk with the endpoint, with its result, and used for CHECK and DEL.
 */
export class CniDriver implements NetworkDriver {
  readonly givesAddresses = true
  readonly #parts: CniParts

  constructor(parts: CniParts) {
    this.#parts = parts
  }

  check(network: NetworkInfo): void {
    for (const { type } of readConfiguration(network).plugins) findProgram(type, pluginFolders(network))
  }

  hasGateway(): boolean {
    return false
  }

  carriesPorts(network: NetworkInfo): boolean {
    try {
      return hasCapability(readConfiguration(network), 'portMappings')
    } catch {
      // Attaching says what is wrong with it.
      return true
    }
  }

  setUp(): void {}

  tearDown(): void {}

  async attach(network: NetworkInfo, endpoint: StoredEndpoint, { pid, keep }: AttachOptions): Promise<Attachment> {
    const { kernel, links, sandboxes } = this.#parts
    const netns = sandboxes.open(endpoint.id, pid)
    const call = callOf(network, endpoint)
    // What a plugin makes before the engine dies has to be taken away as well.
    keep({ ...call })
    try {
      bringUpLoopback(links.home, pid)
      const result = await addToChain(kernel, call, netns)
      keep({ ...call, result })
      return attachmentOf(result, call.interfaceName)
    } catch (error) {
      await deleteFromChain(kernel, call, netns)
      sandboxes.close(endpoint.id)
      throw new GantryError('Unavailable', `cannot connect to network ${network.name}: ${messageOf(error)}`, { cause: error })
    }
  }

  async detach(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
    const { kernel, sandboxes, log } = this.#parts
    const call = keptCall(endpoint)
    if (call === undefined) return
    const netns = sandboxes.has(endpoint.id) ? sandboxes.pathOf(endpoint.id) : ''
    for (const failure of await deleteFromChain(kernel, call, netns)) log(`container ${endpoint.containerId} left something on network ${network.name}: ${failure}`)
    sandboxes.close(endpoint.id)
  }

  async recover(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void> {
    const { kernel, sandboxes, log } = this.#parts
    const call = keptCall(endpoint)
    if (call?.result === undefined || !sandboxes.has(endpoint.id)) return
    try {
      await checkChain(kernel, call, sandboxes.pathOf(endpoint.id))
    } catch (error) {
      log(`container ${endpoint.containerId} is not as it should be on network ${network.name}: ${messageOf(error)}`)
    }
  }

  close(): void {}
}

function callOf(network: NetworkInfo, endpoint: StoredEndpoint): CniCall {
  const configuration = readConfiguration(network)
  const ips = [endpoint.askedIPv4, endpoint.askedIPv6].flatMap((address) => (address ? [address] : []))
  const mappings = Object.entries(endpoint.ports).flatMap(([key, rows]) => {
    const [port, protocol] = key.split('/')
    return rows.map(({ HostIp, HostPort }) => ({ hostPort: Number(HostPort), containerPort: Number(port), protocol, ...(HostIp === '0.0.0.0' ? {} : { hostIP: HostIp }) }))
  })
  return {
    configuration, folders: pluginFolders(network), containerId: endpoint.containerId, interfaceName: endpoint.containerInterface,
    args: argsOf(configuration, endpoint, ips),
    runtime: { portMappings: mappings, ...(endpoint.mac === '' ? {} : { mac: endpoint.mac }), ...(ips.length > 0 ? { ips } : {}) },
  }
}

/** Plugins without the capability may still know the older convention. */
function argsOf(configuration: CniConfiguration, { mac }: StoredEndpoint, ips: readonly string[]): string {
  return [
    'IgnoreUnknown=1',
    ...(mac === '' || hasCapability(configuration, 'mac') ? [] : [`MAC=${mac}`]),
    ...(ips[0] === undefined || hasCapability(configuration, 'ips') ? [] : [`IP=${ips[0]}`]),
  ].join(';')
}

function keptCall({ driverState }: StoredEndpoint): CniCall | undefined {
  return driverState as CniCall | undefined
}
