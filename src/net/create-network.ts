import { GantryError } from '../lib/errors.ts'
import { checkConfigurationNetwork, settingsFrom } from './configuration-network.ts'
import type { CreateNetwork, NetworkInfo, RequestedSubnet, SubnetInfo } from './contract.ts'
import type { DriverTable } from './drivers/driver-table.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import { checkSubnets, chooseSubnets } from './ipam/requested-subnets.ts'
import { hostPrefixes } from './ipam/host-prefixes.ts'
import { isOwnIpam } from './ipam/plugin-ipam.ts'
import type { PluginIpam } from './ipam/plugin-ipam.ts'
import { isPredefined, subnetsOf } from './network-list.ts'
import { newIdentity } from './network-store.ts'
import { hostHasIPv6 } from './published-ports.ts'

export interface Surroundings {
  networks: readonly NetworkInfo[]
  drivers: DriverTable
  pools: readonly PoolBase[]
  ipam: PluginIpam
}

/** A network as it is to be, everything checked; nothing is made but pools of an IPAM plugin. @throws as NetworkService.create */
export async function newNetwork(request: CreateNetwork, surroundings: Surroundings): Promise<NetworkInfo> {
  const { networks, drivers, ipam } = surroundings
  checkName(request.name, networks)
  checkConfigurationNetwork(request)
  const driverName = request.configOnly ? 'null' : request.driver || 'bridge'
  if (!request.configOnly) await drivers.forNew(driverName).present?.()
  const network = blank(settingsFrom(request, networks), driverName)
  const requested = settingsFrom(request, networks).ipam.config
  if (request.configOnly) {
    checkSubnets(requested, { ipv4: network.enableIPv4, ipv6: network.enableIPv6 })
    return { ...network, ipam: { ...network.ipam, config: requested.map(asSettings) } }
  }
  const driver = drivers.of(driverName)
  const config = driver.givesAddresses ? noSubnets(requested, driverName) : await subnets({ ...network, ipam: { ...network.ipam, config: [] } }, requested, surroundings)
  const whole = { ...network, ipam: { ...network.ipam, config } }
  try {
    await driver.check(whole, networks)
  } catch (error) {
    await ipam.releasePools(whole)
    throw error
  }
  return whole
}

/** As it was given, nothing chosen. */
function asSettings({ subnet = '', gateway = '', ipRange, auxAddresses = {} }: RequestedSubnet): SubnetInfo {
  return { subnet, gateway, ...(ipRange ? { ipRange } : {}), ...(Object.keys(auxAddresses).length > 0 ? { auxAddresses } : {}) }
}

function blank(request: CreateNetwork, driver: string): NetworkInfo {
  if (request.enableIPv6 && !hostHasIPv6()) throw new GantryError('Unavailable', `cannot create network ${request.name} with IPv6: this kernel has none`)
  const enableIPv4 = request.enableIPv4 ?? true
  const enableIPv6 = request.enableIPv6 ?? false
  if (!enableIPv4 && !enableIPv6) throw new GantryError('InvalidParameter', 'IPv4 or IPv6 must be enabled')
  return {
    ...newIdentity(), name: request.name, driver, scope: request.scope || 'local', internal: request.internal, attachable: request.attachable,
    enableIPv4, enableIPv6, ipam: { driver: request.ipam.driver || 'default', options: request.ipam.options, config: [] }, options: request.options, labels: request.labels,
    ...(request.configOnly ? { configOnly: true } : {}),
    ...(request.configFrom ? { configFrom: request.configFrom } : {}),
  }
}

async function subnets(network: NetworkInfo, requested: CreateNetwork['ipam']['config'], { networks, drivers, pools, ipam }: Surroundings): Promise<NetworkInfo['ipam']['config']> {
  if (network.ipam.driver === 'null') return []
  const hasGateway = drivers.of(network.driver).hasGateway(network)
  if (!isOwnIpam(network.ipam.driver)) return ipam.requestPools(network, requested, hasGateway)
  return chooseSubnets({
    requested, ipv4: network.enableIPv4, ipv6: network.enableIPv6, pools, hasGateway, used: subnetsOf(networks), hostPrefixes: hostPrefixes(),
  })
}

/** Addresses come with the driver's own configuration. */
function noSubnets(requested: CreateNetwork['ipam']['config'], driver: string): [] {
  if (requested.some((one) => one.subnet || one.ipRange || one.gateway || Object.keys(one.auxAddresses ?? {}).length > 0)) {
    throw new GantryError('InvalidParameter', `cannot choose subnets for the network driver "${driver}": its configuration does`)
  }
  return []
}

function checkName(name: string, networks: readonly NetworkInfo[]): void {
  if (name.trim() === '') throw new GantryError('InvalidParameter', 'invalid network name: name is empty')
  if (isPredefined({ name }) || name === 'default') throw new GantryError('Forbidden', `operation is not permitted on predefined ${name} network`)
  if (/[\s/]/.test(name)) throw new GantryError('InvalidParameter', `invalid network name: ${name}`)
  if (networks.some((network) => network.name === name)) throw new GantryError('Conflict', `network with name ${name} already exists`)
}
