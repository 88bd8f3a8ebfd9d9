import { GantryError } from '../../lib/errors.ts'
import type { NetworkInfo, SubnetInfo } from '../contract.ts'
import { parseAddress } from '../../lib/ip-address.ts'
import type { Family } from '../../lib/ip-address.ts'
import { parsePrefix } from '../ip-prefix.ts'
import { AddressPool } from './address-pool.ts'

/** The pools of one network, by family in the order of its subnets. */
export class NetworkPools {
  readonly #pools: AddressPool[]

  constructor(network: NetworkInfo, last: readonly string[] = []) {
    this.#pools = network.ipam.config.map((config) => poolOf(config, last))
  }

  /** The subnets of a family; empty when it has none. */
  of(family: Family): AddressPool[] {
    return this.#pools.filter(({ subnet }) => subnet.family === family)
  }

  hold(address: string): void {
    const { family, value } = parseAddress(address)
    for (const pool of this.of(family)) pool.hold(value)
  }

  /** From the first subnet that has one, or `asked` from the subnet it belongs to. */
  take(family: Family, asked?: string): { address: bigint; pool: AddressPool } {
    const pools = this.of(family)
    const wanted = asked === undefined || asked === '' ? undefined : parseAddress(asked).value
    let failure: unknown = new GantryError('InvalidParameter', `no configured subnet contains IP address ${asked ?? ''}`)
    for (const pool of pools) {
      try {
        return { address: pool.take(wanted), pool }
      } catch (error) {
        failure = error
        if (error instanceof GantryError && error.kind === 'Forbidden') break
      }
    }
    throw failure
  }

  free(address: string): void {
    if (address === '') return
    const { family, value } = parseAddress(address)
    for (const pool of this.of(family)) pool.free(value)
  }

  /** Where each subnet goes on. */
  get last(): { family: Family; value: bigint }[] {
    return this.#pools.map(({ subnet, last }) => ({ family: subnet.family, value: last }))
  }
}

function poolOf({ subnet, gateway, ipRange, auxAddresses }: SubnetInfo, last: readonly string[]): AddressPool {
  const prefix = parsePrefix(subnet)
  const reserved = [gateway, ...Object.values(auxAddresses ?? {})].filter((address) => address !== '').map((address) => parseAddress(address).value)
  const before = last.map((text) => parseAddress(text)).find(({ family, value }) => family === prefix.family && value > prefix.network)
  return new AddressPool({ subnet: prefix, range: ipRange ? parsePrefix(ipRange) : undefined, reserved, last: before?.value })
}
