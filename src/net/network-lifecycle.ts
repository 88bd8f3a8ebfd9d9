import { GantryError, messageOf } from '../lib/errors.ts'
import { checkUnused } from './configuration-network.ts'
import type { CreateNetwork, NetworkInfo } from './contract.ts'
import { newNetwork } from './create-network.ts'
import { filteredNetwork } from './filtered-network.ts'
import { switchOnForwarding } from './host-switches.ts'
import { isPredefined } from './network-list.ts'
import type { NetworkParts } from './network-parts.ts'
import type { NetworkState } from './network-state.ts'

/** Networks come and go, each with what it needs on the host and in the packet filter. They take turns. */
export class NetworkLifecycle {
  readonly #parts: NetworkParts
  readonly #state: NetworkState
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: NetworkParts, state: NetworkState) {
    this.#parts = parts
    this.#state = state
  }

  create(request: CreateNetwork): Promise<NetworkInfo> {
    return this.#inTurn(async () => {
      const { drivers, pools, store, ipam } = this.#parts
      const network = await newNetwork(request, { networks: this.#state.list(), drivers, pools, ipam })
      store.save(network)
      this.#state.add(network)
      try {
        await this.#setUp(network)
        if (network.driver === 'bridge') await this.loadFilter()
      } catch (error) {
        await this.#drop(network)
        await this.loadFilter().catch(() => undefined)
        throw error
      }
      return network
    })
  }

  remove(networkId: string): Promise<void> {
    return this.#inTurn(async () => {
      const network = this.#state.get(networkId)
      if (isPredefined(network)) throw new GantryError('Forbidden', `${network.name} is a pre-defined network and cannot be removed`)
      checkUnused(network, this.#state.list())
      const active = this.#state.on(network.id)
      if (active.length > 0) {
        const who = active.map(({ containerName, id }) => `name:"${containerName}" id:"${id.slice(0, 12)}"`).join(', ')
        throw new GantryError('Forbidden', `error while removing network: network ${network.name} id ${network.id} has active endpoints (${who})`)
      }
      await this.#drop(network)
      if (network.driver === 'bridge') await this.loadFilter()
    })
  }

  /** One network that cannot be set up (its parent interface is gone) does not keep the engine from starting. @returns what was changed on the host */
  async setUpAgain(network: NetworkInfo): Promise<string[]> {
    try {
      return await this.#setUp(network)
    } catch (error) {
      if (isPredefined(network)) throw error
      this.#parts.log(`cannot set up network ${network.name}: ${messageOf(error)}`)
      return []
    }
  }

  /** @returns what was changed on the host */
  loadFilter(): Promise<string[]> {
    const { endpoints } = this.#state
    const rules = endpoints.all().filter(({ id }) => this.#state.isAttached(id)).flatMap((endpoint) => endpoint.rules)
    return this.#parts.filter.load({ networks: this.#state.list().filter(({ driver }) => driver === 'bridge').map(filteredNetwork), rules })
  }

  restoreFilter(): Promise<string[]> {
    return this.#inTurn(() => this.loadFilter())
  }

  /** Settles when nobody has a turn any more. */
  async idle(): Promise<void> {
    await this.#turn
  }

  /** @returns what was changed on the host, in words */
  async #setUp(network: NetworkInfo): Promise<string[]> {
    const { drivers, forwards } = this.#parts
    const living = this.#state.on(network.id).filter(({ id }) => this.#state.isAttached(id))
    await drivers.of(network.driver).setUp(network, new Set(living.map(({ hostInterface }) => hostInterface)))
    return network.driver === 'bridge' ? switchOnForwarding(network, forwards) : []
  }

  async #drop(network: NetworkInfo): Promise<void> {
    await this.#parts.drivers.of(network.driver).tearDown(network)
    await this.#parts.ipam.releasePools(network)
    this.#parts.store.remove(network.id)
    this.#state.remove(network.id)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
