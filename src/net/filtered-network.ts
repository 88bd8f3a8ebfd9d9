import { isIPv6Text } from '../lib/ip-address.ts'
import type { NetworkInfo } from './contract.ts'
import { bridgeOptions } from './drivers/bridge-options.ts'
import type { FilteredFamily, FilteredNetwork } from './packet-filter.ts'

/** What the packet filter has to know of a bridge network. */
export function filteredNetwork(network: NetworkInfo): FilteredNetwork {
  const options = bridgeOptions(network)
  const family = (isV6: boolean): FilteredFamily | undefined => {
    const config = network.ipam.config.find(({ subnet }) => isIPv6Text(subnet) === isV6)
    return config && {
      subnet: config.subnet,
      masquerade: isV6 ? options.masquerade6 : options.masquerade4,
      hostAddress: isV6 ? options.hostAddress6 : options.hostAddress4,
      mode: isV6 ? options.mode6 : options.mode4,
    }
  }
  return { bridge: options.bridge, internal: network.internal, icc: options.icc, ipv4: family(false), ipv6: family(true) }
}
