import { isIP, isIPv4, isIPv6 } from 'node:net'
import { GantryError } from '../../lib/errors.ts'
import { sysctlFaults, sysctlsOption } from '../../net/drivers/endpoint-sysctls.ts'
import { contains, parsePrefix } from '../../net/ip-prefix.ts'
import { parseAddress } from '../../lib/ip-address.ts'
import type { NetworkInfo, NetworkService } from '../../net/contract.ts'
import type { EndpointSettings, HostConfig } from '../types/host-config.ts'

const predefined = new Set(['bridge', 'host', 'none'])

export function isUserDefined(networkName: string): boolean {
  return !predefined.has(networkName) && networkName !== 'default' && !networkName.startsWith('container:')
}

/**
 * What a container wants of its networks, by their names: the network of NetworkMode and those with settings of their own.
 * Joining another container means having none. A network that is not there yet keeps the name it was given.
 * @throws InvalidParameter with Docker's text
 */
export function requestedNetworks(networks: NetworkService, hostConfig: HostConfig, networking: Record<string, EndpointSettings>): Record<string, EndpointSettings> {
  const mode = hostConfig.NetworkMode ?? 'bridge'
  if (mode.startsWith('container:')) return {}
  const isGone = (ref: string): boolean => (ref === 'bridge' || ref === 'default') && findNetwork(networks, 'bridge') === undefined
  // An engine with --bridge none: only loopback.
  const wanted: Record<string, EndpointSettings> = isGone(mode) ? {} : { [nameOf(networks, mode)]: {} }
  for (const [ref, settings] of Object.entries(networking)) {
    if (isGone(ref)) continue
    const name = nameOf(networks, ref === 'default' ? 'bridge' : ref)
    checkEndpointSettings(findNetwork(networks, name), name, settings ?? {}, `invalid config for network ${name}: `)
    wanted[name] = asked(settings ?? {})
  }
  const names = Object.keys(wanted)
  if (names.length > 1 && names.some((name) => name === 'host')) {
    throw new GantryError('InvalidParameter', 'container sharing network namespace with another container or host cannot be connected to any other network')
  }
  if (names.length > 1 && names.includes('none')) throw oneIsNone()
  return wanted
}

/** What the user asked for, and nothing of what a run added. */
export function asked({ IPAMConfig, Links, Aliases, DriverOpts, GwPriority, MacAddress }: EndpointSettings): EndpointSettings {
  return { IPAMConfig, Links, Aliases, DriverOpts, GwPriority, MacAddress, DesiredMacAddress: MacAddress }
}

/** @throws InvalidParameter "invalid endpoint settings: …" */
export function checkEndpointSettings(network: NetworkInfo | undefined, name: string, settings: EndpointSettings, prefix = ''): void {
  const { IPv4Address: ipv4 = '', IPv6Address: ipv6 = '', LinkLocalIPs: linkLocal } = settings.IPAMConfig ?? {}
  const faults: string[] = []
  if (!isUserDefined(name)) {
    if (ipv4 !== '' || ipv6 !== '') faults.push('user specified IP address is supported on user defined networks only')
    if (settings.Aliases?.length) faults.push('network-scoped aliases are only supported for user-defined networks')
  }
  if (ipv4 !== '' && (!isIPv4(ipv4) || ipv4 === '0.0.0.0')) faults.push(`invalid IPv4 address: ${ipv4}`)
  if (ipv6 !== '' && (!isIPv6(ipv6) || ipv6 === '::')) faults.push(`invalid IPv6 address: ${ipv6}`)
  for (const address of linkLocal ?? []) if (isIP(address) === 0) faults.push(`invalid link-local IP address: ${address}`)
  if (network !== undefined) {
    if (ipv4 !== '') faults.push(...rangeFaults(network, ipv4, 4))
    if (ipv6 !== '') faults.push(...rangeFaults(network, ipv6, 6))
  }
  const mac = settings.MacAddress ?? ''
  if (mac !== '' && !/^(([0-9a-f]{2}[:-]){5}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4})$/i.test(mac)) faults.push(`invalid MAC address: ${mac}`)
  faults.push(...sysctlFaults(settings.DriverOpts?.[sysctlsOption]))
  if (faults.length === 0) return
  const list = faults.length === 1 ? faults[0] : faults.map((fault) => `* ${fault}`).join('\n')
  throw new GantryError('InvalidParameter', `${prefix}invalid endpoint settings:\n${list}`)
}

export function oneIsNone(): GantryError {
  return new GantryError('InvalidParameter', 'container cannot be connected to multiple networks with one of the networks in private (none) mode')
}

function rangeFaults(network: NetworkInfo, text: string, family: 4 | 6): string[] {
  // Its plugins know which addresses they have.
  if (network.driver === 'cni') return []
  const subnets = network.ipam.config.filter(({ subnet }) => parsePrefix(subnet).family === family)
  if (!subnets.some(({ requested }) => requested)) return ['user specified IP address is supported only when connecting to networks with user configured subnets']
  return isIP(text) !== 0 && subnets.some(({ subnet }) => contains(parsePrefix(subnet), parseAddress(text))) ? [] : [`no configured subnet contains IP address ${text}`]
}

function nameOf(networks: NetworkService, ref: string): string {
  return findNetwork(networks, ref)?.name ?? ref
}

function findNetwork(networks: NetworkService, ref: string): NetworkInfo | undefined {
  try {
    return networks.get(ref)
  } catch (error) {
    if (error instanceof GantryError && error.kind === 'NotFound') return undefined
    throw error
  }
}
