import { GantryError } from '../lib/errors.ts'
import type { Subnet } from './ipv4.ts'
import { formatIPv4 } from './ipv4.ts'

/**
 * The addresses of one subnet. Which are taken is not kept here: that is what the endpoints on disk say. Addresses rotate:
 * the next one given is the one after the last, so that a new container does not get what peers still have in a cache.
 */
export class AddressPool {
  readonly #subnet: Subnet
  readonly #taken = new Set<number>()
  #last: number

  constructor(subnet: Subnet, last?: number) {
    this.#subnet = subnet
    this.#last = last !== undefined && last > subnet.network && last < subnet.broadcast ? last : subnet.network
    this.#taken.add(subnet.gateway)
  }

  /** The address that was given last. */
  get last(): number {
    return this.#last
  }

  /** Marks an address that an endpoint holds already. One outside of the subnet (after a change of --bip) is no matter. */
  hold(address: number): void {
    this.#taken.add(address)
  }

  /** @throws Conflict when `asked` is taken; InvalidParameter when it is not of this subnet; Unavailable when all are taken */
  take(asked?: number): number {
    const { network, broadcast } = this.#subnet
    if (asked !== undefined) {
      if (asked <= network || asked >= broadcast) {
        throw new GantryError('InvalidParameter', `invalid address ${formatIPv4(asked)}: it does not belong to the subnet`)
      }
      if (this.#taken.has(asked)) throw new GantryError('Conflict', 'Address already in use')
      this.#taken.add(asked)
      return asked
    }
    const size = broadcast - network
    for (let step = 1; step < size + 1; step++) {
      const candidate = network + ((this.#last - network + step) % size)
      if (candidate === network || this.#taken.has(candidate)) continue
      this.#taken.add(candidate)
      this.#last = candidate
      return candidate
    }
    throw new GantryError('Unavailable', 'no available IPv4 addresses on this network\'s address pools')
  }

  free(address: number): void {
    if (address !== this.#subnet.gateway) this.#taken.delete(address)
  }
}
