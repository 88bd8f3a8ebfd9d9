import { GantryError } from '../lib/errors.ts'
import { formatAddress, parseAddress } from '../lib/ip-address.ts'
import type { AllocateEndpoint, Endpoint, NetworkInfo } from './contract.ts'
import { sysctlsOption } from './drivers/endpoint-sysctls.ts'
import { newHostInterfaceName } from './drivers/veth.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import type { NetworkPools } from './ipam/network-pools.ts'
import type { Place } from './ipam/plugin-ipam.ts'
import { parseMac, randomMac } from './mac-address.ts'

const interfaceOption = 'com.docker.network.endpoint.ifname'

export interface Places {
  v4: Place
  v6: Place
}

const noPlace: Place = { address: '', prefix: 0, gateway: '' }
export const noPlaces: Places = { v4: noPlace, v6: noPlace }

/** Addresses of an endpoint from the network's own pools; on failure nothing is taken. @throws as NetworkService.allocate */
export function placesIn(network: NetworkInfo, pools: NetworkPools, request: AllocateEndpoint): Places {
  if (network.driver === 'host' || network.driver === 'null') return noPlaces
  const v4 = placeIn(network, pools, { family: 4, asked: request.ipv4 })
  try {
    return { v4, v6: placeIn(network, pools, { family: 6, asked: request.ipv6 }) }
  } catch (error) {
    pools.free(v4.address)
    throw error
  }
}

/** An endpoint with these addresses. `isForeign`: addresses and MAC that nobody asked for are the driver's to choose. @throws InvalidParameter */
export function allocation(options: { id: string; network: NetworkInfo; places: Places; request: AllocateEndpoint; interfaceName: string; isForeign: boolean }): StoredEndpoint {
  const { id, network, places, request, interfaceName, isForeign } = options
  const { containerId, containerName, gwPriority = 0, dnsNames = [], links = [] } = request
  const nowhere: StoredEndpoint = {
    id, networkId: network.id, containerId, containerName, gwPriority, dnsNames, links, ipv4: '', prefix: 0, gateway: '', ipv6: '', prefix6: 0, gateway6: '',
    mac: '', hostInterface: '', containerInterface: '', ports: {}, rules: [], bindings: {},
  }
  if (network.driver === 'host' || network.driver === 'null') return nowhere
  const mac = request.mac ? parseMac(request.mac) : isForeign ? '' : randomMac()
  const { v4, v6 } = places
  return {
    ...nowhere, mac, ipv4: v4.address, prefix: v4.prefix, gateway: v4.gateway, ipv6: v6.address, prefix6: v6.prefix, gateway6: v6.gateway,
    hostInterface: network.driver === 'bridge' ? newHostInterfaceName() : '', containerInterface: interfaceName,
    ...(request.linkLocal?.length ? { linkLocal: request.linkLocal } : {}),
    ...(request.driverOpts?.[sysctlsOption] ? { sysctls: request.driverOpts[sysctlsOption] } : {}),
    ...(isForeign ? { askedIPv4: request.ipv4, askedIPv6: request.ipv6, driverOpts: request.driverOpts } : {}),
  }
}

/** What the interface will be called, unless something else in the container has that name by then. @throws InvalidParameter, Forbidden */
export function freeInterfaceName(network: NetworkInfo, siblings: readonly Endpoint[], driverOpts: Record<string, string> = {}): string {
  const taken = new Set(siblings.map(({ containerInterface }) => containerInterface))
  const asked = driverOpts[interfaceOption]
  if (asked !== undefined) {
    if (!/^[^\s/:]{1,15}$/.test(asked)) throw new GantryError('InvalidParameter', `invalid interface name "${asked}"`)
    if (taken.has(asked)) throw new GantryError('Forbidden', `cannot name an interface ${asked}: there is one already`)
    return asked
  }
  const prefix = network.options['com.docker.network.container_iface_prefix'] || 'eth'
  for (let number = 0; ; number++) if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`
}

function placeIn(network: NetworkInfo, pools: NetworkPools, { family, asked }: { family: 4 | 6; asked: string | undefined }): Place {
  const wanted = asked === '' ? undefined : asked
  if (wanted !== undefined && parseAddress(wanted).family !== family) throw new GantryError('InvalidParameter', `invalid IPv${family} address: ${wanted}`)
  if (pools.of(family).length === 0 && wanted === undefined) return { address: '', prefix: 0, gateway: '' }
  const { address, pool } = pools.take(family, wanted)
  const { gateway, auxAddresses } = network.ipam.config.find(({ subnet }) => subnet === pool.text) ?? { gateway: '' }
  const other = auxAddresses?.[family === 4 ? 'DefaultGatewayIPv4' : 'DefaultGatewayIPv6']
  return { address: formatAddress({ family, value: address }), prefix: pool.subnet.length, gateway: network.internal ? '' : (other ?? gateway) }
}
