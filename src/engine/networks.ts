import type { Filters, Networks } from './engine.ts'
import { labelsMatch } from './events/labels.ts'
import { GantryError } from '../lib/errors.ts'
import type { NetworkInfo, NetworkService } from '../net/contract.ts'

/** Docker's view of networks over the network service. */
export function createNetworks({ service }: { service: NetworkService }): Networks {
  return {
    list: async (filters) =>
      service
        .list()
        .filter((network) => matches(network, service, filters))
        .map((network) => describe(network, {})),
    inspect: async (ref, { scope }) => {
      const network = service.get(ref)
      if (scope !== undefined && scope !== network.scope) throw new GantryError('NotFound', `network ${ref} not found`)
      return describe(network, members(network, service))
    },
  }
}

function members(network: NetworkInfo, service: NetworkService): Record<string, unknown> {
  return Object.fromEntries(
    service.endpoints(network.id).map((endpoint) => [
      endpoint.containerId,
      {
        Name: endpoint.containerName,
        EndpointID: endpoint.id,
        MacAddress: endpoint.mac,
        IPv4Address: endpoint.ipv4 === '' ? '' : `${endpoint.ipv4}/${endpoint.prefix}`,
        IPv6Address: '',
      },
    ]),
  )
}

function describe(network: NetworkInfo, containers: Record<string, unknown>): Record<string, unknown> {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: network.scope,
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: null,
      Config: network.ipam.config.map(({ subnet, gateway }) => ({ Subnet: subnet, Gateway: gateway })),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: containers,
    Options: network.options,
    Labels: network.labels,
  }
}

const builtin = new Set(['bridge', 'host', 'none'])

function matches(network: NetworkInfo, service: NetworkService, filters: Filters): boolean {
  for (const [key, values] of filters) {
    if (!matchesOne(network, service, { key, values: [...values] })) return false
  }
  return true
}

function matchesOne(network: NetworkInfo, service: NetworkService, { key, values }: { key: string; values: string[] }): boolean {
  switch (key) {
    case 'driver':
      return values.includes(network.driver)
    case 'scope':
      return values.includes(network.scope)
    case 'name':
      return values.some((value) => network.name.includes(value))
    case 'id':
      return values.some((value) => network.id.startsWith(value))
    case 'label':
      return labelsMatch(network.labels, new Set(values))
    case 'type':
      return values.some((value) => value === typeOf(network, value))
    case 'dangling':
      return values.some((value) => isTrue(value) === (!builtin.has(network.name) && service.endpoints(network.id).length === 0))
    default:
      throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  }
}

function typeOf(network: NetworkInfo, asked: string): string {
  if (asked !== 'custom' && asked !== 'builtin') {
    throw new GantryError('InvalidParameter', `invalid filter: 'type'='${asked}'`)
  }
  return builtin.has(network.name) ? 'builtin' : 'custom'
}

function isTrue(value: string): boolean {
  if (['1', 'true', 'True', 'TRUE', 't', 'T'].includes(value)) return true
  if (['0', 'false', 'False', 'FALSE', 'f', 'F'].includes(value)) return false
  throw new GantryError('InvalidParameter', `invalid filter 'dangling=[${value}]'`)
}
