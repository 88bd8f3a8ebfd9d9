import type { Events, Networks } from './engine.ts'
import { GantryError, kindOf } from '../lib/errors.ts'
import type { NetworkInfo, NetworkService } from '../net/contract.ts'
import type { EndpointSettings } from './types/host-config.ts'
import { createRequest } from './networks/create.ts'
import type { NetworkDefaults } from './networks/create.ts'
import { describeNetwork, membersOf } from './networks/describe.ts'
import { networkFilter, pruneFilter } from './networks/filters.ts'

export interface NetworksOptions {
  service: NetworkService
  events: Events
  members: NetworkMembers
  defaults?: NetworkDefaults
}

/** Containers as the networks see them. */
export interface NetworkMembers {
  /** @throws NotFound for the container */
  connect(containerRef: string, options: { network: NetworkInfo; settings: EndpointSettings }): Promise<void>
  disconnect(containerRef: string, network: NetworkInfo): Promise<void>
  /** A container that does not run leaves a network that is no more. @returns whether it had one of that name or id */
  forget(containerRef: string, networkRef: string): Promise<boolean>
}

/** Docker's view of networks over the network service. */
export function createNetworks({ service, events, members, defaults = { options: {} } }: NetworksOptions): Networks {
  const emit = (action: string, network: NetworkInfo): void => events.emit('network', action, { ID: network.id, Attributes: { name: network.name, type: network.driver } })
  const remove = async (network: NetworkInfo): Promise<void> => {
    await service.remove(network.id)
    emit('destroy', network)
  }
  return {
    list: async (filters) => service.list().filter(networkFilter(filters, service)).map((network) => describeNetwork(network, {})),
    inspect: async (ref, { scope }) => {
      const network = service.get(ref)
      if (scope !== undefined && scope !== network.scope) throw new GantryError('NotFound', `network ${ref} not found`)
      return describeNetwork(network, membersOf(network, service))
    },
    create: async (request) => {
      const network = await service.create(createRequest(request, defaults))
      emit('create', network)
      return { Id: network.id, Warning: '' }
    },
    remove: async (ref) => remove(service.get(ref)),
    prune: async (filters) => {
      const wanted = pruneFilter(filters)
      const deleted: string[] = []
      for (const network of service.list()) {
        if (['bridge', 'host', 'none'].includes(network.name) || network.configOnly || service.endpoints(network.id).length > 0 || !wanted(network)) continue
        await remove(network)
        deleted.push(network.name)
      }
      events.emit('network', 'prune', { ID: '', Attributes: { reclaimed: '0' } })
      return { NetworksDeleted: deleted.length === 0 ? null : deleted }
    },
    connect: async (ref, { container, settings }) => members.connect(container, { network: service.get(ref), settings }),
    disconnect: async (ref, { container, force }) => {
      const network = await found(service, ref, () => members.forget(container, ref))
      if (network === undefined) return
      try {
        await members.disconnect(container, network)
      } catch (error) {
        if (!force || kindOf(error) !== 'NotFound') throw error
        await disconnectLeftOver(service, network, container)
      }
    },
  }
}

/** An endpoint whose container is gone. */
async function disconnectLeftOver(service: NetworkService, network: NetworkInfo, ref: string): Promise<void> {
  const endpoint = service.endpoints(network.id).find(({ containerId, containerName }) => containerName === ref || containerId.startsWith(ref))
  if (endpoint === undefined) throw new GantryError('NotFound', `endpoint ${ref} not found`)
  await service.release(endpoint.id)
}

/** Undefined: there is none, and `forget` has done what there was to do. @throws NotFound */
async function found(service: NetworkService, ref: string, forget: () => Promise<boolean>): Promise<NetworkInfo | undefined> {
  try {
    return service.get(ref)
  } catch (error) {
    if (kindOf(error) !== 'NotFound' || !(await forget().catch(() => false))) throw error
    return undefined
  }
}
