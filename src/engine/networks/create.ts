import { GantryError } from '../../lib/errors.ts'
import type { CreateNetwork } from '../../net/contract.ts'
import type { NetworkCreateRequest } from '../engine.ts'

/** The daemon's choice for networks that say nothing. */
export interface NetworkDefaults {
  /** --default-network-opt, by driver. */
  options: Record<string, Record<string, string>>
}

/** A request of the API in the words of the network service. @throws InvalidParameter, Forbidden, NotImplemented */
export function createRequest(request: NetworkCreateRequest, defaults: NetworkDefaults): CreateNetwork {
  if (request.Ingress || (request.Scope ?? '') === 'swarm' || request.Driver === 'overlay') {
    throw new GantryError('Unavailable', 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.')
  }
  const driver = request.Driver || 'bridge'
  const configFrom = request.ConfigFrom?.Network
  return {
    name: request.Name ?? '',
    driver,
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    scope: request.Scope ?? '',
    enableIPv4: request.EnableIPv4,
    enableIPv6: request.EnableIPv6,
    ipam: {
      driver: request.IPAM?.Driver ?? '',
      options: request.IPAM?.Options ?? null,
      config: (request.IPAM?.Config ?? []).map((one) => ({
        subnet: one.Subnet ?? '', ipRange: one.IPRange ?? '', gateway: one.Gateway ?? '', auxAddresses: one.AuxiliaryAddresses ?? {},
      })),
    },
    options: { ...(configFrom ? {} : defaults.options[driver]), ...request.Options },
    labels: request.Labels ?? {},
    ...(request.ConfigOnly ? { configOnly: true } : {}),
    ...(configFrom ? { configFrom } : {}),
  }
}
