import type { StoredEndpoint } from './endpoint-store.ts'

/** Endpoints by id, by container and by network, each in the order in which they came. */
export class EndpointTable {
  readonly #all = new Map<string, StoredEndpoint>()
  readonly #byContainer = new Map<string, Map<string, StoredEndpoint>>()
  readonly #byNetwork = new Map<string, Map<string, StoredEndpoint>>()

  get(id: string): StoredEndpoint | undefined {
    return this.#all.get(id)
  }

  has(id: string): boolean {
    return this.#all.has(id)
  }

  all(): StoredEndpoint[] {
    return [...this.#all.values()]
  }

  of(containerId: string): StoredEndpoint[] {
    return [...(this.#byContainer.get(containerId)?.values() ?? [])]
  }

  on(networkId: string): StoredEndpoint[] {
    return [...(this.#byNetwork.get(networkId)?.values() ?? [])]
  }

  /** In place of the one with this id. */
  set(endpoint: StoredEndpoint): void {
    this.#all.set(endpoint.id, endpoint)
    listed(this.#byContainer, endpoint.containerId).set(endpoint.id, endpoint)
    listed(this.#byNetwork, endpoint.networkId).set(endpoint.id, endpoint)
  }

  delete({ id, containerId, networkId }: StoredEndpoint): void {
    this.#all.delete(id)
    for (const [index, key] of [[this.#byContainer, containerId], [this.#byNetwork, networkId]] as const) {
      const list = index.get(key)
      list?.delete(id)
      if (list?.size === 0) index.delete(key)
    }
  }
}

function listed(index: Map<string, Map<string, StoredEndpoint>>, key: string): Map<string, StoredEndpoint> {
  const there = index.get(key) ?? new Map<string, StoredEndpoint>()
  index.set(key, there)
  return there
}
