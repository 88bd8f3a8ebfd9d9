import type { Endpoint, NetworkInfo, NetworkService } from '../../net/contract.ts'

/** GET /networks/{id}. `containers` is empty in lists. */
export function describeNetwork(network: NetworkInfo, containers: Record<string, unknown>): Record<string, unknown> {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: network.scope,
    Driver: network.driver,
    EnableIPv4: network.enableIPv4,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: network.ipam.options,
      Config: network.ipam.config.length === 0 ? null : network.ipam.config.map(({ subnet, gateway, ipRange, auxAddresses }) => ({
        Subnet: subnet,
        ...(ipRange ? { IPRange: ipRange } : {}),
        ...(gateway === '' ? {} : { Gateway: gateway }),
        ...(auxAddresses ? { AuxiliaryAddresses: auxAddresses } : {}),
      })),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom ?? '' },
    ConfigOnly: network.configOnly ?? false,
    Containers: containers,
    Options: network.options,
    Labels: network.labels,
  }
}

/** The containers on a network, by id. */
export function membersOf(network: NetworkInfo, service: NetworkService): Record<string, unknown> {
  return Object.fromEntries(service.endpoints(network.id).map((endpoint) => [endpoint.containerId, member(endpoint)]))
}

function member({ containerName, id, mac, ipv4, prefix, ipv6, prefix6 }: Endpoint): Record<string, string> {
  return {
    Name: containerName,
    EndpointID: id,
    MacAddress: mac,
    IPv4Address: ipv4 === '' ? '' : `${ipv4}/${prefix}`,
    IPv6Address: ipv6 === '' ? '' : `${ipv6}/${prefix6}`,
  }
}
