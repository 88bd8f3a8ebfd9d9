import { isIPv6Text } from '../../../lib/ip-address.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { Endpoint, NetworkInfo, SubnetInfo } from '../../contract.ts'
import type { StoredEndpoint } from '../../endpoint-store.ts'
import { parsePrefix } from '../../ip-prefix.ts'
import { textOf } from '../../plugins/answer.ts'

/** Numbers of protocols in a port mapping (RFC 5237). */
const protocols: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 }

/** CreateNetwork. A network without subnets of the engine's says so by 0.0.0.0/0, as the IPAM driver "null" does. */
export function networkBody({ id, ipam, options, internal, enableIPv4, enableIPv6 }: NetworkInfo): Record<string, unknown> {
  const of = (isV6: boolean): Record<string, unknown>[] => ipam.config.filter(({ subnet }) => isIPv6Text(subnet) === isV6).map(poolData)
  const v4 = of(false)
  return {
    NetworkID: id,
    Options: {
      'com.docker.network.enable_ipv4': enableIPv4, 'com.docker.network.enable_ipv6': enableIPv6, 'com.docker.network.internal': internal,
      'com.docker.network.generic': options,
    },
    IPv4Data: v4.length === 0 && enableIPv4 ? [{ AddressSpace: 'LocalDefault', Pool: '0.0.0.0/0' }] : v4,
    IPv6Data: of(true),
  }
}

function poolData({ subnet, gateway, auxAddresses = {} }: SubnetInfo): Record<string, unknown> {
  const { length } = parsePrefix(subnet)
  return {
    AddressSpace: 'LocalDefault', Pool: subnet,
    ...(gateway === '' ? {} : { Gateway: `${gateway}/${length}` }),
    AuxAddresses: Object.fromEntries(Object.entries(auxAddresses).map(([name, address]) => [name, `${address}/${length}`])),
  }
}

/** CreateEndpoint, with the addresses that IPAM gave. */
export function endpointBody(network: NetworkInfo, endpoint: StoredEndpoint): Record<string, unknown> {
  return {
    NetworkID: network.id, EndpointID: endpoint.id,
    Interface: {
      Address: endpoint.ipv4 === '' ? '' : `${endpoint.ipv4}/${endpoint.prefix}`,
      AddressIPv6: endpoint.ipv6 === '' ? '' : `${endpoint.ipv6}/${endpoint.prefix6}`,
      MacAddress: endpoint.mac,
    },
    Options: { ...externalOptions(endpoint), ...endpoint.driverOpts, ...(endpoint.mac === '' ? {} : { 'com.docker.network.endpoint.macaddress': macBase64(endpoint.mac) }) },
  }
}

/** What the plugin decided; it may only fill in what is empty. @throws System */
export function decidedBy(answer: Record<string, unknown>, endpoint: Endpoint): Partial<Endpoint> {
  const place = (answer['Interface'] ?? {}) as Record<string, unknown>
  const [v4 = '', prefix = ''] = filledIn(endpoint.ipv4, textOf(place['Address']), 'IPv4 address').split('/')
  const [v6 = '', prefix6 = ''] = filledIn(endpoint.ipv6, textOf(place['AddressIPv6']), 'IPv6 address').split('/')
  const hardware = filledIn(endpoint.mac, textOf(place['MacAddress']), 'MAC address')
  return {
    ...(v4 === '' ? {} : { ipv4: v4, prefix: Number(prefix) }),
    ...(v6 === '' ? {} : { ipv6: v6, prefix6: Number(prefix6) }),
    ...(hardware === '' ? {} : { mac: hardware }),
  }
}

function filledIn(there: string, value: string, what: string): string {
  if (there !== '' && value !== '') throw new GantryError('System', `driver attempted to change the ${what} of an endpoint: ${there} to ${value}`)
  return value
}

/** Go writes bytes in base64. */
function macBase64(mac: string): string {
  return Buffer.from(mac.replaceAll(':', ''), 'hex').toString('base64')
}

/** Published ports as libnetwork hands them on. */
export function externalOptions({ bindings }: Pick<StoredEndpoint, 'bindings'>): Record<string, unknown> {
  const entries = Object.entries(bindings).flatMap(([key, list]) => {
    const [port, protocol = 'tcp'] = key.split('/')
    return list.map(({ HostIp = '', HostPort = '' }) => {
      const [first = '0', last = first] = HostPort.split('-')
      return { Proto: protocols[protocol], IP: '', Port: Number(port), HostIP: HostIp, HostPort: Number(first), HostPortEnd: Number(last) }
    })
  })
  const exposed = entries.map(({ Proto, Port }) => ({ Proto, Port }))
  return { 'com.docker.network.portmap': entries, 'com.docker.network.endpoint.exposedports': exposed }
}

/** The ports that the plugin says it opened (EndpointOperInfo); undefined when it says nothing of them. */
export function publishedBy(answer: Record<string, unknown>): Endpoint['ports'] | undefined {
  const map = ((answer['Value'] ?? {}) as Record<string, unknown>)['com.docker.network.portmap']
  if (!Array.isArray(map)) return undefined
  const ports: Endpoint['ports'] = {}
  for (const one of map as Record<string, unknown>[]) {
    const protocol = Object.keys(protocols).find((name) => protocols[name] === one['Proto']) ?? 'tcp'
    const rows = (ports[`${Number(one['Port'])}/${protocol}`] ??= [])
    rows.push({ HostIp: typeof one['HostIP'] === 'string' && one['HostIP'] !== '' ? one['HostIP'] : '0.0.0.0', HostPort: String(one['HostPort']) })
  }
  return ports
}
