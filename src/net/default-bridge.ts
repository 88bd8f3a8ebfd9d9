import { GantryError } from '../lib/errors.ts'
import { formatAddress, parseAddress } from '../lib/ip-address.ts'
import type { NetworkInfo, SubnetInfo } from './contract.ts'
import { contains, formatPrefix, parseCidr } from './ip-prefix.ts'
import type { Prefix } from './ip-prefix.ts'
import { freeSubnet } from './ipam/free-subnet.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import { hostPrefixes } from './ipam/host-prefixes.ts'
import { subnetsOf } from './network-list.ts'
import type { DefaultBridge } from './network-list.ts'

/** The daemon's flags for its default bridge. */
export interface DefaultBridgeSettings {
  bridgeName: string
  /** Address and prefix of the bridge; default: what the bridge has already, else the first free subnet. */
  bip?: string
  bip6?: string
  fixedCidr?: string
  fixedCidr6?: string
  defaultGateway?: string
  defaultGateway6?: string
  enableIPv6?: boolean
  /** Bytes. */
  mtu: number
  icc?: boolean
  /** --ip: where published ports without an address are bound. */
  bindingAddress?: string
  masquerade?: boolean
}

/** What the default bridge is by flags, by what is on the host (`existing`: "172.17.0.1/16"), and by the pools. @throws InvalidParameter */
export function defaultBridge(settings: DefaultBridgeSettings, { existing, others, pools }: { existing: string | undefined; others: readonly NetworkInfo[]; pools: readonly PoolBase[] }): DefaultBridge {
  const { bip, bip6, fixedCidr, fixedCidr6, defaultGateway, defaultGateway6, enableIPv6 = false } = settings
  const used = [...subnetsOf(others), ...hostPrefixes()]
  const v4 = subnetOf({ family: 4, bip: bip ?? existing, fixed: fixedCidr, other: defaultGateway }, () => freeSubnet(pools, used, 4))
  const v6 = enableIPv6 ? [subnetOf({ family: 6, bip: bip6, fixed: fixedCidr6, other: defaultGateway6 }, () => freeSubnet(pools, used, 6))] : []
  return {
    subnets: [v4, ...v6],
    enableIPv6,
    options: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': String(settings.icc ?? true),
      'com.docker.network.bridge.enable_ip_masquerade': String(settings.masquerade ?? true),
      'com.docker.network.bridge.host_binding_ipv4': settings.bindingAddress ?? '0.0.0.0',
      'com.docker.network.bridge.name': settings.bridgeName,
      'com.docker.network.driver.mtu': String(settings.mtu),
    },
  }
}

interface Flags {
  family: 4 | 6
  bip: string | undefined
  fixed: string | undefined
  other: string | undefined
}

function subnetOf({ family, bip, fixed, other }: Flags, free: () => Prefix): SubnetInfo {
  const flag = family === 4 ? '' : '6'
  const own = bip === undefined ? undefined : parseCidr(bip)
  const range = fixed === undefined ? undefined : parseCidr(fixed).prefix
  if (own !== undefined && own.address.family !== family) throw new GantryError('InvalidParameter', `invalid --bip${flag} ${bip}: it is not IPv${family}`)
  if (range !== undefined && range.family !== family) throw new GantryError('InvalidParameter', `invalid --fixed-cidr${family === 4 ? '' : '-v6'} ${fixed}: it is not IPv${family}`)
  const prefix = own?.prefix ?? range ?? free()
  if (range !== undefined && !contains(prefix, { family, value: range.network })) {
    throw new GantryError('InvalidParameter', `fixed-cidr ${fixed} is not in the subnet of the bridge ${formatPrefix(prefix)}`)
  }
  if (own !== undefined && own.address.value === prefix.network) throw new GantryError('InvalidParameter', `invalid --bip${flag} ${bip}: the address must be one of a host`)
  if (other !== undefined && !contains(prefix, parseAddress(other))) {
    throw new GantryError('InvalidParameter', `invalid default gateway ${other}: it is not in ${formatPrefix(prefix)}`)
  }
  const value = own?.address.value ?? prefix.network + 1n
  return {
    subnet: formatPrefix(prefix),
    gateway: formatAddress({ family, value }),
    ...(range === undefined ? {} : { ipRange: formatPrefix(range) }),
    ...(other === undefined ? {} : { auxAddresses: { [family === 4 ? 'DefaultGatewayIPv4' : 'DefaultGatewayIPv6']: other } }),
  }
}
