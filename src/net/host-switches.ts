import { isIPv6Text } from '../lib/ip-address.ts'
import type { NetworkInfo } from './contract.ts'
import { bridgeOptions } from './drivers/bridge-options.ts'
import { setSysctl } from './sysctl.ts'

/**
 * Switches of the host that a bridge network needs: forwarding (unless --ip-forward=false), and route_localnet, so that
 * ports published on 127.0.0.1 need no proxy. @returns what was changed, in words
 */
export function switchOnForwarding(network: NetworkInfo, forwards: boolean): string[] {
  const { bridge } = bridgeOptions(network)
  const has = (isV6: boolean): boolean => network.ipam.config.some(({ subnet }) => isIPv6Text(subnet) === isV6)
  return [
    ...(has(false) ? [forwards ? setSysctl('net/ipv4/ip_forward', '1') : undefined, setSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1')] : []),
    ...(has(true) && forwards && !network.internal ? [setSysctl('net/ipv6/conf/all/forwarding', '1'), setSysctl('net/ipv6/conf/default/forwarding', '1')] : []),
  ].filter((change) => change !== undefined)
}
