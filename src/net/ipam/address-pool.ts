import { GantryError } from '../../lib/errors.ts'
import { formatAddress } from '../../lib/ip-address.ts'
import { formatPrefix, lastOf, sizeOf } from '../ip-prefix.ts'
import type { Prefix } from '../ip-prefix.ts'

/**
 * The addresses of one subnet. Which are taken is not kept here: that is what the endpoints on disk say. Addresses rotate:
 * the next one given is the one after the last, so that a new container does not get what peers still have in a cache.
 */
export class AddressPool {
  readonly #subnet: Prefix
  /** Where addresses that nobody asked for come from. */
  readonly #range: Prefix
  readonly #reserved: ReadonlySet<bigint>
  readonly #taken = new Set<bigint>()
  #last: bigint

  /** `reserved`: gateway and auxiliary addresses. */
  constructor(options: { subnet: Prefix; range?: Prefix; reserved: readonly bigint[]; last?: bigint }) {
    this.#subnet = options.subnet
    this.#range = options.range ?? options.subnet
    this.#reserved = new Set([...options.reserved, ...unusable(options.subnet)])
    const { last } = options
    const inRange = last !== undefined && last >= this.#range.network && last <= lastOf(this.#range)
    this.#last = inRange ? last : this.#range.network - 1n
  }

  get subnet(): Prefix {
    return this.#subnet
  }

  /** "172.17.0.0/16" */
  get text(): string {
    return formatPrefix(this.#subnet)
  }

  /** The address that was given last. */
  get last(): bigint {
    return this.#last
  }

  /** Marks an address that an endpoint holds already. One outside of the subnet (after a change of --bip) is no matter. */
  hold(address: bigint): void {
    this.#taken.add(address)
  }

  /** @throws Forbidden when `asked` is taken; InvalidParameter when it is not of this subnet; Unavailable when all are taken */
  take(asked?: bigint): bigint {
    if (asked !== undefined) return this.#takeThis(asked)
    const size = sizeOf(this.#range)
    const begin = this.#range.network
    for (let step = 1n; step <= size; step++) {
      const candidate = begin + ((this.#last - begin + step) % size)
      if (!this.#isFree(candidate)) continue
      this.#taken.add(candidate)
      this.#last = candidate
      return candidate
    }
    throw new GantryError('Unavailable', `no available IPv${this.#subnet.family} addresses on this network's address pools`)
  }

  free(address: bigint): void {
    this.#taken.delete(address)
  }

  #takeThis(asked: bigint): bigint {
    if (asked < this.#subnet.network || asked > lastOf(this.#subnet)) {
      const text = formatAddress({ family: this.#subnet.family, value: asked })
      throw new GantryError('InvalidParameter', `no configured subnet contains IP address ${text}`)
    }
    if (!this.#isFree(asked)) throw new GantryError('Forbidden', 'Address already in use')
    this.#taken.add(asked)
    return asked
  }

  #isFree(address: bigint): boolean {
    return !this.#taken.has(address) && !this.#reserved.has(address)
  }
}

/** The network itself and its broadcast address; in IPv6 the address of all routers (RFC 4291, 2.6.1). */
function unusable(subnet: Prefix): bigint[] {
  if (sizeOf(subnet) <= 2n) return []
  return subnet.family === 4 ? [subnet.network, lastOf(subnet)] : [subnet.network]
}
