import { GantryError } from '../lib/errors.ts'
import type { CreateNetwork, NetworkDriverName, NetworkInfo } from './contract.ts'
import type { NetworkDriver } from './drivers/contract.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import { chooseSubnets } from './ipam/requested-subnets.ts'
import { hostPrefixes } from './ipam/host-prefixes.ts'
import { parsePrefix } from './ip-prefix.ts'
import { isPredefined } from './network-list.ts'
import { newIdentity } from './network-store.ts'
import { hostHasIPv6 } from './published-ports.ts'

const creatable = new Set<string>(['bridge', 'macvlan', 'ipvlan'])

export interface Surroundings {
  networks: readonly NetworkInfo[]
  drivers: Record<NetworkDriverName, NetworkDriver>
  pools: readonly PoolBase[]
}

/** A network as it is to be, everything checked; nothing is made. @throws as NetworkService.create */
export function newNetwork(request: CreateNetwork, { networks, drivers, pools }: Surroundings): NetworkInfo {
  checkName(request.name, networks)
  const driverName = checkDriver(request.driver || 'bridge')
  const driver = drivers[driverName]
  if (request.enableIPv6 && !hostHasIPv6()) throw new GantryError('Unavailable', `cannot create network ${request.name} with IPv6: this kernel has none`)
  const enableIPv4 = request.enableIPv4 ?? true
  const enableIPv6 = request.enableIPv6 ?? false
  if (!enableIPv4 && !enableIPv6) throw new GantryError('InvalidParameter', 'IPv4 or IPv6 must be enabled')
  const { driver: ipamDriver } = request.ipam
  if (ipamDriver !== '' && ipamDriver !== 'default' && ipamDriver !== 'null') throw new GantryError('NotFound', `could not find plugin ${ipamDriver} in v1 plugin registry: plugin not found`)
  const network: NetworkInfo = {
    ...newIdentity(), name: request.name, driver: driverName, scope: 'local', internal: request.internal, attachable: request.attachable,
    enableIPv4, enableIPv6, ipam: { driver: ipamDriver || 'default', options: request.ipam.options, config: [] }, options: request.options, labels: request.labels,
  }
  const config = ipamDriver === 'null' ? [] : chooseSubnets({
    requested: request.ipam.config, ipv4: enableIPv4, ipv6: enableIPv6, pools, hasGateway: driver.hasGateway(network),
    used: networks.flatMap(({ ipam }) => ipam.config.map(({ subnet }) => parsePrefix(subnet))),
    hostPrefixes: hostPrefixes(),
  })
  const whole = { ...network, ipam: { ...network.ipam, config } }
  driver.check(whole, networks)
  return whole
}

function checkName(name: string, networks: readonly NetworkInfo[]): void {
  if (name.trim() === '') throw new GantryError('InvalidParameter', 'invalid network name: name is empty')
  if (isPredefined({ name }) || name === 'default') throw new GantryError('Forbidden', `operation is not permitted on predefined ${name} network`)
  if (/[\s/]/.test(name)) throw new GantryError('InvalidParameter', `invalid network name: ${name}`)
  if (networks.some((network) => network.name === name)) throw new GantryError('Conflict', `network with name ${name} already exists`)
}

function checkDriver(name: string): NetworkDriverName {
  if (creatable.has(name)) return name as NetworkDriverName
  if (name === 'host' || name === 'null') throw new GantryError('Forbidden', `only one instance of "${name}" network is allowed`)
  throw new GantryError('NotFound', `could not find plugin ${name} in v1 plugin registry: plugin not found`)
}
