import { GantryError, messageOf } from '../../lib/errors.ts'
import { isIPv6Text, parseAddress } from '../../lib/ip-address.ts'
import type { Family } from '../../lib/ip-address.ts'
import type { NetworkInfo, RequestedSubnet, SubnetInfo } from '../contract.ts'
import { contains, parseCidr, parsePrefix } from '../ip-prefix.ts'
import { textOf } from '../plugins/answer.ts'
import type { Plugin, Plugins } from '../plugins/plugin.ts'

const requestType = 'RequestAddressType'
const gatewayType = 'com.docker.network.gateway'
const macOption = 'com.docker.network.endpoint.macaddress'

/** Whether the engine itself gives the addresses; "null": nobody does. */
export function isOwnIpam(driver: string): boolean {
  return driver === '' || driver === 'default' || driver === 'null'
}

export interface Place {
  address: string
  prefix: number
  gateway: string
}

/** Pools and addresses by plugins (moby libnetwork/docs/ipam.md), for networks of any driver. */
export class PluginIpam {
  readonly #plugins: Plugins
  readonly #log: (line: string) => void

  constructor(plugins: Plugins, log: (line: string) => void) {
    this.#plugins = plugins
    this.#log = log
  }

  /** The subnets of a network, with their gateways; on failure none is kept. @throws NotFound for the plugin, System with its words */
  async requestPools(network: NetworkInfo, requested: readonly RequestedSubnet[], hasGateway: boolean): Promise<SubnetInfo[]> {
    const plugin = this.#plugins.of(network.ipam.driver)
    await plugin.require('IpamDriver')
    const spaces = await plugin.call('IpamDriver.GetDefaultAddressSpaces', {})
    const families: [Family, boolean][] = [[4, network.enableIPv4], [6, network.enableIPv6]]
    const config: SubnetInfo[] = []
    try {
      for (const [family, wanted] of families) {
        const given = requested.filter(({ subnet }) => subnet && isIPv6Text(subnet) === (family === 6))
        for (const one of wanted && given.length === 0 ? [blankOf(requested, family)] : given) {
          const pool = await this.#requestPool(plugin, { network, one, family, space: textOf(spaces['LocalDefaultAddressSpace']) })
          config.push(pool)
          config[config.length - 1] = await this.#completed(plugin, network, { pool, one, hasGateway })
        }
      }
      return config
    } catch (error) {
      await this.releasePools({ ...network, ipam: { ...network.ipam, config } })
      throw error
    }
  }

  /** Never throws: what is to end ends. */
  async releasePools({ ipam }: NetworkInfo): Promise<void> {
    if (isOwnIpam(ipam.driver)) return
    for (const { poolId, gateway, auxAddresses } of ipam.config) {
      for (const address of [gateway, ...Object.values(auxAddresses ?? {})]) if (address !== '') await this.#tell(ipam.driver, 'ReleaseAddress', { PoolID: poolId, Address: address })
      await this.#tell(ipam.driver, 'ReleasePool', { PoolID: poolId })
    }
  }

  /** @throws as the plugin; InvalidParameter for an address that no subnet has */
  async take({ ipam, internal }: NetworkInfo, family: Family, { asked, mac }: { asked: string; mac: string }): Promise<Place> {
    const pools = ipam.config.filter(({ subnet }) => isIPv6Text(subnet) === (family === 6))
    const pool = asked === '' ? pools[0] : pools.find(({ subnet }) => contains(parsePrefix(subnet), parseAddress(asked)))
    if (pool === undefined && asked === '') return { address: '', prefix: 0, gateway: '' }
    if (pool === undefined) throw new GantryError('InvalidParameter', `no configured subnet contains IP address ${asked}`)
    const { address, prefix } = await requestAddress(this.#plugins.of(ipam.driver), { PoolID: pool.poolId, Address: asked, Options: { ...ipam.options, ...(mac === '' ? {} : { [macOption]: mac }) } })
    return { address, prefix, gateway: internal ? '' : pool.gateway }
  }

  async free({ ipam }: NetworkInfo, address: string): Promise<void> {
    const pool = address === '' ? undefined : ipam.config.find(({ subnet }) => contains(parsePrefix(subnet), parseAddress(address)))
    if (pool !== undefined) await this.#tell(ipam.driver, 'ReleaseAddress', { PoolID: pool.poolId, Address: address })
  }

  /** After a restart, for plugins that keep nothing themselves and say so. */
  async replay({ ipam }: NetworkInfo, addresses: readonly string[]): Promise<void> {
    const plugin = this.#plugins.of(ipam.driver)
    if ((await plugin.call('IpamDriver.GetCapabilities', {}))['RequiresRequestReplay'] !== true) return
    const spaces = await plugin.call('IpamDriver.GetDefaultAddressSpaces', {})
    for (const { subnet, ipRange = '', gateway, poolId } of ipam.config) {
      await plugin.call('IpamDriver.RequestPool', { AddressSpace: textOf(spaces['LocalDefaultAddressSpace']), Pool: subnet, SubPool: ipRange, Options: ipam.options ?? {}, V6: isIPv6Text(subnet) })
      const inside = addresses.filter((address) => contains(parsePrefix(subnet), parseAddress(address)))
      if (gateway !== '') await plugin.call('IpamDriver.RequestAddress', { PoolID: poolId, Address: gateway, Options: { [requestType]: gatewayType } })
      for (const address of inside) await plugin.call('IpamDriver.RequestAddress', { PoolID: poolId, Address: address, Options: {} })
    }
  }

  async #requestPool(plugin: Plugin, { network, one, family, space }: { network: NetworkInfo; one: RequestedSubnet; family: Family; space: string }): Promise<SubnetInfo> {
    const answer = await plugin.call('IpamDriver.RequestPool', {
      AddressSpace: space, Pool: one.subnet ?? '', SubPool: one.ipRange ?? '', Options: network.ipam.options ?? {}, V6: family === 6,
    })
    const { PoolID: poolId, Pool: subnet, Data: data } = answer
    if (typeof poolId !== 'string' || typeof subnet !== 'string' || parsePrefix(subnet).family !== family) throw new GantryError('System', `IPAM driver ${plugin.name} gave a pool that is none: ${JSON.stringify(answer)}`)
    const gateway = (data as Record<string, unknown> | null | undefined)?.[gatewayType]
    return { subnet, poolId, gateway: typeof gateway === 'string' ? (gateway.split('/')[0] ?? '') : '', requested: (one.subnet ?? '') !== '', ...(one.ipRange ? { ipRange: one.ipRange } : {}) }
  }

  async #completed(plugin: Plugin, network: NetworkInfo, { pool, one, hasGateway }: { pool: SubnetInfo; one: RequestedSubnet; hasGateway: boolean }): Promise<SubnetInfo> {
    const options = { ...network.ipam.options }
    const whole = { ...pool }
    if (one.gateway || (hasGateway && pool.gateway === '')) {
      whole.gateway = (await requestAddress(plugin, { PoolID: pool.poolId, Address: one.gateway ?? '', Options: { ...options, [requestType]: gatewayType } })).address
    }
    const aux = Object.entries(one.auxAddresses ?? {})
    for (const [name, address] of aux) {
      whole.auxAddresses = { ...whole.auxAddresses, [name]: (await requestAddress(plugin, { PoolID: pool.poolId, Address: address, Options: options })).address }
    }
    return whole
  }

  async #tell(driver: string, method: string, body: Record<string, unknown>): Promise<void> {
    try {
      await this.#plugins.of(driver).call(`IpamDriver.${method}`, body)
    } catch (error) {
      this.#log(messageOf(error))
    }
  }
}

async function requestAddress(plugin: Plugin, body: Record<string, unknown>): Promise<{ address: string; prefix: number }> {
  const { Address } = await plugin.call('IpamDriver.RequestAddress', body)
  if (typeof Address !== 'string') throw new GantryError('System', `IPAM driver ${plugin.name} gave no address`)
  return { address: Address.split('/')[0] ?? '', prefix: parseCidr(Address).prefix.length }
}

/** What else was asked for without a subnet. */
function blankOf(requested: readonly RequestedSubnet[], family: Family): RequestedSubnet {
  return (family === 4 ? requested.find(({ subnet }) => !subnet) : undefined) ?? {}
}
