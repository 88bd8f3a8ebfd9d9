import type { NameRecord, NetworkNames, NetworkNamesChange } from '../contract.ts'

/** One network with its names, in lower case. */
export interface NamedNetwork {
  name: string
  internal: boolean
  members: ReadonlyMap<string, NameRecord>
  byName: ReadonlyMap<string, readonly NameRecord[]>
  byAddress: ReadonlyMap<string, NameRecord>
}

/** A network that is kept in step with its file. */
export class ChangingNetwork implements NamedNetwork {
  readonly name: string
  readonly internal: boolean
  readonly members = new Map<string, NameRecord>()
  readonly byName = new Map<string, NameRecord[]>()
  readonly byAddress = new Map<string, NameRecord>()
  readonly #byEndpoint = new Map<string, NameRecord>()

  constructor({ name, internal, endpoints }: NetworkNames) {
    this.name = name.toLowerCase()
    this.internal = internal
    for (const endpoint of endpoints) this.#add(endpoint)
  }

  change(change: NetworkNamesChange): void {
    this.#remove('gone' in change ? change.gone : change.endpoint.endpointId)
    if ('endpoint' in change) this.#add(change.endpoint)
  }

  #add(record: NameRecord): void {
    this.#byEndpoint.set(record.endpointId, record)
    this.members.set(record.containerId, record)
    for (const address of addressesOf(record)) this.byAddress.set(address, record)
    for (const name of namesOf(record)) {
      const list = this.byName.get(name)
      if (list === undefined) this.byName.set(name, [record])
      else list.push(record)
    }
  }

  #remove(endpointId: string): void {
    const record = this.#byEndpoint.get(endpointId)
    if (record === undefined) return
    this.#byEndpoint.delete(endpointId)
    // An address or a container may have another endpoint already.
    if (this.members.get(record.containerId) === record) this.members.delete(record.containerId)
    for (const address of addressesOf(record)) if (this.byAddress.get(address) === record) this.byAddress.delete(address)
    for (const name of namesOf(record)) {
      const others = (this.byName.get(name) ?? []).filter((one) => one !== record)
      if (others.length === 0) this.byName.delete(name)
      else this.byName.set(name, others)
    }
  }
}

function namesOf({ names }: NameRecord): Set<string> {
  return new Set(names.map((text) => text.toLowerCase()))
}

function addressesOf({ ipv4, ipv6 }: NameRecord): string[] {
  return [ipv4, ipv6].filter((address) => address !== '')
}
